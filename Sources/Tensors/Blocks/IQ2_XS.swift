/// Blocks of 256 values: a half-precision d, per 8 values 9 bits of a grid point's number and 7 of
/// signs, then per 16 values 4 bits of scale; x = d (s + 1/2) / 4 * point.
enum IQ2_XS: SingleBlockType {
  static let elements = 256
  static let bytes = 74
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let grid = CodeGrid.iq2XS
    let scale = block.half(at: 0)
    let scales = block.bytes(at: 66)
    for part in 0..<32 {
      let word = block.word(at: 2 + 2 * part)
      let bits = scales[part / 4] >> UInt8(truncatingIfNeeded: part / 2 % 2 * 4) & 15
      writeSigned(
        grid.point(Int(word & 511)),
        count: 8,
        signs: evenSigns(UInt32(word >> 9)),
        scale: scale * (0.5 + Float(bits)) * 0.25,
        into: target + 8 * part
      )
    }
  }
}
