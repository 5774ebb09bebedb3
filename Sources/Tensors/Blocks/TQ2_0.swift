/// Blocks of 256 values of -d, 0 or d: 2 bits of x / d + 1 each, as ``twoBitLevels(_:)`` says, and
/// a half-precision d (ternary models such as BitNet b1.58).
enum TQ2_0: SingleBlockType, EncodableBlockType {
  static let elements = 256
  static let bytes = 66
  static let scales: [ScaleField] = [.half(64)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 64)
    let levels = block.bytes(at: 0)
    for group in 0..<16 {
      let (place, shift) = twoBitLevels(group)
      let out = target + 16 * group
      for i in 0..<16 { out[i] = scale * Float(Int32(levels[place + i] &>> shift & 3) &- 1) }
    }
  }

  /// ggml's `quantize_row_tq2_0_ref`, which has no use for weights: d is the largest magnitude.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    SearchRoom.with { room in
      for block in 0..<blocks {
        let values = row + elements * block
        let place = target + bytes * block
        place.storeHalf(ternaryLevels(values, room.levels), at: 64)
        packTwoBits(room.levels, into: place.bytes(at: 0))
      }
    }
  }
}
