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

  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    narrowSymmetric(row, importance: importance, limit: 16, blocks: blocks) {
      block,
      scale,
      levels in
      let place = target + bytes * block
      place.storeHalf(scale, at: 0)
      place.storeDoubleWord(fifthBits(levels), at: 2)
      packNibbles(levels, into: place.bytes(at: 6))
    }
  }
}
