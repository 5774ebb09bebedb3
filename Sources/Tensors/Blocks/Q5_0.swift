/// Blocks of 32 values as a half-precision scale d, the high bits and the nibbles of 32 levels of
/// 5 bits; x = d (q - 16).
///
/// Bit i of the word of high bits belongs to value i; nibbles as in ``Q4_0``.
enum Q5_0: SingleBlockType, EncodableBlockType {
  static let elements = 32
  static let bytes = 22
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 0)
    let high = block.doubleWord(at: 2)
    let levels = block.bytes(at: 6)
    for i in 0..<16 {
      let low = UInt32(levels[i])
      let first = low & 15 | (high >> UInt32(i) & 1) << 4
      let second = low >> 4 | (high >> UInt32(i &+ 16) & 1) << 4
      target[i] = scale * Float(Int32(bitPattern: first) &- 16)
      target[i + 16] = scale * Float(Int32(bitPattern: second) &- 16)
    }
  }

  /// Without weights ggml's `quantize_row_q5_0_ref`: the extreme value is level -16. With them its
  /// `quantize_row_q5_0_impl`: a search of the scale.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    SearchRoom.with { room in
      let variance = importance == nil ? 0 : squareSum(row, 32 * blocks) / Float(32 * blocks)
      for block in 0..<blocks {
        let values = row + 32 * block
        let place = target + bytes * block
        if let importance {
          room.weigh(values, by: importance + 32 * block, variance, count: 32)
          let scale = room.fitSymmetric(
            values,
            count: 32,
            limit: 16,
            weights: room.weights,
            levels: room.levels
          )
          place.storeHalf(scale, at: 0)
        } else {
          let scale = extreme(values, 32) / -16
          let inverse = usableInverse(scale)
          for i in 0..<32 { room.levels[i] = flooredLevel(values[i] * inverse + 16.5, 31) }
          place.storeHalf(scale, at: 0)
        }
        place.storeDoubleWord(fifthBits(room.levels), at: 2)
        packNibbles(room.levels, into: place.bytes(at: 6))
      }
    }
  }
}
