/// Blocks of 32 values as half-precision scale d and minimum m, the high bits and the nibbles of
/// 32 levels of 5 bits; x = d q + m.
///
/// Bit i of the word of high bits belongs to value i; nibbles as in ``Q4_1``.
enum Q5_1: SingleBlockType, EncodableBlockType {
  static let elements = 32
  static let bytes = 24
  static let scales: [ScaleField] = [.half(0), .half(2)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (block.half(at: 0), block.half(at: 2))
    let high = block.doubleWord(at: 4)
    let levels = block.bytes(at: 8)
    for i in 0..<16 {
      let low = UInt32(levels[i])
      let first = low & 15 | (high >> UInt32(i) & 1) << 4
      let second = low >> 4 | (high >> UInt32(i &+ 16) & 1) << 4
      target[i] = scale * Float(Int32(bitPattern: first)) + minimum
      target[i + 16] = scale * Float(Int32(bitPattern: second)) + minimum
    }
  }

  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    narrowAffine(row, importance: importance, highest: 31, blocks: blocks) { block, range, levels in
      let place = target + bytes * block
      place.storeHalf(range.scale, at: 0)
      place.storeHalf(range.minimum, at: 2)
      place.storeDoubleWord(fifthBits(levels), at: 4)
      packNibbles(levels, into: place.bytes(at: 8))
    }
  }
}
