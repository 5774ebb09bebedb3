/// Blocks of 256 values in 8 groups of 32: a half-precision d, per 4 values the number of a grid
/// point, then per group four times 7 bits of signs and 4 bits of scale;
/// x = d (s + 1/2) / 2 * point.
enum IQ3_XXS: SingleBlockType {
  static let elements = 256
  static let bytes = 98
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let grid = CodeGrid.iq3XXS
    let scale = block.half(at: 0)
    for group in 0..<8 {
      let numbers = block.bytes(at: 2 + 8 * group)
      let rest = block.doubleWord(at: 66 + 4 * group)
      let groupScale = scale * (0.5 + Float(rest >> 28)) * 0.5
      for part in 0..<8 {
        let signs = evenSigns(rest >> UInt32(7 * (part / 2)))
        writeSigned(
          grid.point(Int(numbers[part])),
          count: 4,
          signs: signs >> UInt32(part % 2 * 4),
          scale: groupScale,
          into: target + 32 * group + 4 * part
        )
      }
    }
  }
}
