/// Blocks of 64 values in four groups of 16: per group a scale (an E4M3 byte whose sign is not
/// used), then numbers of 4 bits (E2M1); ggml's form of NVIDIA's NVFP4, without its scale per
/// tensor.
///
/// Of the 8 bytes of a group the low nibble of byte i is value i, the high one value i + 8. Scales
/// 0 and 0x7F are zero.
enum NVFP4: SingleBlockType {
  static let elements = 64
  static let bytes = 36
  static let scales: [ScaleField] = []

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let numbers = E2M1.doubled
    for group in 0..<4 {
      let scale = halvedE4M3(block.load(fromByteOffset: group, as: UInt8.self))
      let codes = block.bytes(at: 4 + 8 * group)
      let out = target + 16 * group
      for i in 0..<8 {
        out[i] = scale * numbers[Int(codes[i] & 15)]
        out[i + 8] = scale * numbers[Int(codes[i] >> 4)]
      }
    }
  }

  /// Half of what the byte stands for, since the numbers are doubled, subnormal ones
  /// (mantissa / 512) included.
  @inline(__always)
  private static func halvedE4M3(_ byte: UInt8) -> Float {
    guard byte != 0, byte != 0x7F else { return 0 }
    let (exponent, mantissa) = (UInt32(byte >> 3 & 15), UInt32(byte & 7))
    return exponent == 0
      ? Float(mantissa) * 0x1p-10
      : Float(bitPattern: (exponent &+ 119) << 23 | mantissa << 20)
  }
}
