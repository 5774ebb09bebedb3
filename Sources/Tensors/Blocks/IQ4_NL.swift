/// Blocks of 32 values as a half-precision scale d and 32 numbers of levels that lie closer near
/// zero; x = d v(q), v as in ``NonlinearLevels``.
///
/// The low nibble of byte i is value i, the high one value i + 16.
enum IQ4_NL: SingleBlockType, EncodableBlockType {
  static let elements = 32
  static let bytes = 18
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 0)
    let codes = block.bytes(at: 2)
    let levels = NonlinearLevels.shared.values
    for i in 0..<16 {
      target[i] = scale * levels[Int(codes[i] & 15)]
      target[i + 16] = scale * levels[Int(codes[i] >> 4)]
    }
  }

  /// ggml's `quantize_iq4_nl`.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    let levels = NonlinearLevels.shared
    SearchRoom.with { room in
      for block in 0..<blocks {
        let values = row + elements * block
        let place = target + bytes * block
        if let importance {
          let variance = squareSum(values, 32) * (2 / Float(32))
          room.weigh(values, by: importance + elements * block, variance, count: 32)
        } else {
          for i in 0..<32 { room.weights[i] = values[i] * values[i] }
        }
        let scale = room.fitNonlinear(values)
        let inverse = usableInverse(scale)
        place.storeHalf(scale, at: 0)
        for i in 0..<32 {
          room.levels[i] = Int32(truncatingIfNeeded: levels.nearest(inverse * values[i]))
        }
        packNibbles(room.levels, into: place.bytes(at: 2))
      }
    }
  }
}
