/// Blocks of 256 values: a half-precision d, per 8 values the lower 8 bits of a grid point's number,
/// then a byte of signs, then 2 upper bits of the number, and per 16 values 4 bits of scale;
/// x = d (s + 1/2) / 4 * point.
enum IQ2_S: SingleBlockType {
  static let elements = 256
  static let bytes = 82
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let grid = CodeGrid.iq2S
    let scale = block.half(at: 0)
    let (lower, signs) = (block.bytes(at: 2), block.bytes(at: 34))
    let (upper, scales) = (block.bytes(at: 66), block.bytes(at: 74))
    for part in 0..<32 {
      let high = upper[part / 4] >> UInt8(truncatingIfNeeded: part % 4 * 2) & 3
      let bits = scales[part / 4] >> UInt8(truncatingIfNeeded: part / 2 % 2 * 4) & 15
      writeSigned(
        grid.point(Int(lower[part]) | Int(high) << 8),
        count: 8,
        signs: UInt32(signs[part]),
        scale: scale * (0.5 + Float(bits)) * 0.25,
        into: target + 8 * part
      )
    }
  }
}
