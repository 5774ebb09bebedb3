/// Blocks of 256 values in 8 groups: a half-precision d, the upper 2 and then the lower 4 bits of a
/// scale of 6 bits per group, and numbers of the levels of ``IQ4_NL``; x = d (s - 32) v(q).
///
/// Group g has bits 2 g and 2 g + 1 of the word of upper bits and nibble g of the lower ones; its
/// levels lie as in ``IQ4_NL``.
enum IQ4_XS: SingleBlockType, EncodableBlockType {
  static let elements = 256
  static let bytes = 136
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 0)
    let upper = UInt32(block.word(at: 2))
    let lower = block.doubleWord(at: 4)
    let levels = NonlinearLevels.shared.values
    for group in 0..<8 {
      let bits = lower >> UInt32(4 * group) & 15 | (upper >> UInt32(2 * group) & 3) << 4
      let groupScale = scale * Float(Int32(bitPattern: bits) &- 32)
      let codes = block.bytes(at: 8 + 16 * group)
      let out = target + 32 * group
      for i in 0..<16 {
        out[i] = groupScale * levels[Int(codes[i] & 15)]
        out[i + 16] = groupScale * levels[Int(codes[i] >> 4)]
      }
    }
  }

  /// ggml's `quantize_iq4_xs`.
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
        let variance = squareSum(values, 256) * (2 / Float(256))
        for group in 0..<8 {
          let part = values + 32 * group
          if let importance {
            room.weigh(part, by: importance + elements * block + 32 * group, variance, count: 32)
          } else {
            for i in 0..<32 { room.weights[i] = part[i] * part[i] }
          }
          room.scales[group] = room.fitNonlinear(part)
        }
        let scale = -extreme(room.scales, 8) / 32
        let inverse = usableInverse(scale)
        place.storeHalf(scale, at: 0)
        var (upper, lower): (UInt32, UInt32) = (0, 0)
        for group in 0..<8 {
          let level = nearestLevel(inverse * room.scales[group], -32, 31)
          let bits = UInt32(bitPattern: level &+ 32)
          lower |= (bits & 15) << UInt32(4 * group)
          upper |= (bits >> 4 & 3) << UInt32(2 * group)
          let groupInverse = usableInverse(scale * Float(level))
          for i in 0..<32 {
            let value = groupInverse * values[32 * group + i]
            room.levels[i] = Int32(truncatingIfNeeded: levels.nearest(value))
          }
          packNibbles(room.levels, into: place.bytes(at: 8 + 16 * group))
        }
        place.storeWord(UInt16(truncatingIfNeeded: upper), at: 2)
        place.storeDoubleWord(lower, at: 4)
      }
    }
  }
}
