/// Blocks of 256 values in 8 groups of 32: a half-precision d, per 8 values the lower 8 bits of a
/// grid point's number, then per group a word with four times their upper 3 bits, 3 bits of scale
/// and the sign of a shift; x = d (2 s + 1) (point +- 1/8).
enum IQ1_S: SingleBlockType {
  static let elements = 256
  static let bytes = 50
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let grid = CodeGrid.iq1
    let scale = block.half(at: 0)
    for group in 0..<8 {
      let lower = block.bytes(at: 2 + 4 * group)
      let word = block.word(at: 34 + 2 * group)
      let groupScale = scale * Float(2 &* (word >> 12 & 7) &+ 1)
      let shift: Float = word & 0x8000 == 0 ? 0.125 : -0.125
      for part in 0..<4 {
        let high = word >> UInt16(truncatingIfNeeded: 3 * part) & 7
        let point = grid.point(Int(lower[part]) | Int(high) << 8)
        let out = target + 32 * group + 8 * part
        for i in 0..<8 { out[i] = groupScale * (Float(point[i]) + shift) }
      }
    }
  }
}
