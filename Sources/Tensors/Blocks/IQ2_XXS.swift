/// Blocks of 256 values in 8 groups of 32: a half-precision d, then per group four numbers of grid
/// points of 8, four times 7 bits of signs and 4 bits of scale; x = d (s + 1/2) / 4 * point.
enum IQ2_XXS: SingleBlockType {
  static let elements = 256
  static let bytes = 66
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let grid = CodeGrid.iq2XXS
    let scale = block.half(at: 0)
    for group in 0..<8 {
      let numbers = block.bytes(at: 2 + 8 * group)
      let rest = block.doubleWord(at: 6 + 8 * group)
      let groupScale = scale * (0.5 + Float(rest >> 28)) * 0.25
      for part in 0..<4 {
        writeSigned(
          grid.point(Int(numbers[part])),
          count: 8,
          signs: evenSigns(rest >> UInt32(7 * part)),
          scale: groupScale,
          into: target + 32 * group + 8 * part
        )
      }
    }
  }
}
