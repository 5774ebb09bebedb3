/// Blocks of 256 values: per 8 values the lower 8 bits of a grid point's number, then a nibble with
/// its upper 3 bits and the sign of a shift, and four words with four times 3 bits of scale, each
/// for 16 values; x = d (2 s + 1) (point +- 1/8).
///
/// The upper nibbles of the four words, the first lowest, are the half-precision d.
enum IQ1_M: SingleBlockType {
  static let elements = 256
  static let bytes = 56
  static let scales: [ScaleField] = [.nibbles(48)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let grid = CodeGrid.iq1
    let scale = widenedHalf(halfScale(block + 48))
    let (lower, upper) = (block.bytes(at: 0), block.bytes(at: 32))
    for part in 0..<32 {
      let word = block.word(at: 48 + part / 8 * 2)
      let bits = word >> UInt16(truncatingIfNeeded: part / 2 % 4 * 3) & 7
      let nibble = upper[part / 2] >> UInt8(truncatingIfNeeded: part % 2 * 4)
      let partScale = scale * Float(2 &* bits &+ 1)
      let shift: Float = nibble & 8 == 0 ? 0.125 : -0.125
      let point = grid.point(Int(lower[part]) | Int(nibble & 7) << 8)
      let out = target + 8 * part
      for i in 0..<8 { out[i] = partScale * (Float(point[i]) + shift) }
    }
  }

  /// The bits of d in the 8 bytes of the four words.
  @inline(__always)
  static func halfScale(_ words: UnsafeRawPointer) -> UInt16 {
    var bits: UInt16 = 0
    for i in 0..<4 { bits |= (words.word(at: 2 * i) >> 12) << UInt16(truncatingIfNeeded: 4 * i) }
    return bits
  }
}
