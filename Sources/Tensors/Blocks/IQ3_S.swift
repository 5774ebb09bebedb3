/// Blocks of 256 values: a half-precision d, per 4 values the lower 8 bits of a grid point's number,
/// then the ninth, per 8 values a byte of signs, and per 32 values 4 bits of scale;
/// x = d (1 + 2 s) * point.
enum IQ3_S: SingleBlockType {
  static let elements = 256
  static let bytes = 110
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let grid = CodeGrid.iq3S
    let scale = block.half(at: 0)
    let (lower, upper) = (block.bytes(at: 2), block.bytes(at: 66))
    let (signs, scales) = (block.bytes(at: 74), block.bytes(at: 106))
    for part in 0..<64 {
      let high = upper[part / 8] >> UInt8(truncatingIfNeeded: part % 8) & 1
      let bits = scales[part / 16] >> UInt8(truncatingIfNeeded: part / 8 % 2 * 4) & 15
      writeSigned(
        grid.point(Int(lower[part]) | Int(high) << 8),
        count: 4,
        signs: UInt32(signs[part / 2] >> UInt8(truncatingIfNeeded: part % 2 * 4)),
        scale: scale * Float(1 &+ 2 &* bits),
        into: target + 4 * part
      )
    }
  }
}
