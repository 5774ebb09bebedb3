/// Blocks of 256 values in 16 groups: the high bits and then the low 2 bits of levels of 3 bits,
/// per group a scale of 6 bits, and a half-precision d; x = d (s - 32) (q - 4).
///
/// Bit g of high byte i belongs to value 32 g + i; low bits as in ``twoBitLevels(_:)``. Of the 12
/// bytes of scales the first 8 hold the low nibbles of scales i and i + 8, the last 4 the upper 2
/// bits of scales i, i + 4, i + 8 and i + 12.
enum Q3_K: SingleBlockType, SingleEncodableBlockType {
  static let elements = 256
  static let bytes = 110
  static let scales: [ScaleField] = [.half(108)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 108)
    let (high, levels) = (block.bytes(at: 0), block.bytes(at: 32))
    let scales = block.bytes(at: 96)
    for group in 0..<16 {
      let lower = Int32(scales[group % 8] >> (group < 8 ? 0 : 4) & 15)
      let upper = Int32(scales[8 + group % 4] >> UInt8(truncatingIfNeeded: group / 4 * 2) & 3)
      let groupScale = scale * Float((lower | upper << 4) &- 32)
      let (place, shift) = twoBitLevels(group)
      let (bits, bit) = (high + group % 2 * 16, UInt8(truncatingIfNeeded: group / 2))
      let out = target + 16 * group
      for i in 0..<16 {
        let level = Int32(levels[place + i] &>> shift & 3) | Int32(bits[i] &>> bit & 1) << 2
        out[i] = groupScale * Float(level &- 4)
      }
    }
  }

  /// Without weights ggml's `quantize_row_q3_K_ref`, with them its `quantize_row_q3_K_impl`.
  static func narrow(
    block values: UnsafePointer<Float>,
    _ importance: UnsafePointer<Float>?,
    _ place: UnsafeMutableRawPointer,
    _ room: SearchRoom
  ) {
    let scale = place.storeHalf(fit(values, importance, room), at: 108)
    let scales = place.bytes(at: 96)
    for i in 0..<12 { scales[i] = 0 }
    for group in 0..<16 {
      let level = room.scaleLevels[group]
      scales[group % 8] |= UInt8(truncatingIfNeeded: (level & 15) << (group < 8 ? 0 : 4))
      scales[8 + group % 4] |= UInt8(
        truncatingIfNeeded: (level >> 4 & 3) << Int32(group / 4 * 2)
      )
      requantize(
        values + 16 * group,
        scale: scale * Float(level &- 32),
        limit: 4,
        levels: room.levels + 16 * group
      )
    }
    let high = place.bytes(at: 0)
    for i in 0..<32 {
      var bits: Int32 = 0
      for part in 0..<8 { bits |= (room.levels[32 * part + i] >> 2 & 1) << Int32(part) }
      high[i] = UInt8(truncatingIfNeeded: bits)
    }
    packTwoBits(room.levels, into: place.bytes(at: 32))
  }

  /// Levels of the values, and of the scales in 6 bits; gives what the scales are multiples of.
  private static func fit(
    _ values: UnsafePointer<Float>,
    _ importance: UnsafePointer<Float>?,
    _ room: SearchRoom
  ) -> Float {
    if let importance {
      let variance = 2 * squareSum(values, 256) / 256
      for group in 0..<16 {
        let part = values + 16 * group
        room.sums[group] = room.weigh(part, by: importance + 16 * group, variance, count: 16)
        room.scales[group] = room.fitSymmetric(
          part,
          count: 16,
          limit: 4,
          weights: room.weights,
          levels: room.levels + 16 * group
        )
      }
      return room.fitSymmetric(
        room.scales,
        count: 16,
        limit: 32,
        weights: room.sums,
        levels: room.scaleLevels
      )
    }
    for group in 0..<16 {
      room.scales[group] = room.fitSymmetricByTurns(
        values + 16 * group,
        count: 16,
        limit: 4,
        levels: room.levels + 16 * group
      )
    }
    let peak = extreme(room.scales, 16)
    guard peak != 0 else {
      for group in 0..<16 { room.scaleLevels[group] = 0 }
      return 0
    }
    let inverse = -32 / peak
    for group in 0..<16 {
      room.scaleLevels[group] = nearestLevel(inverse * room.scales[group], -32, 31) &+ 32
    }
    return 1 / inverse
  }
}
