/// A floating-point format of 8 bits or fewer, as a table of its values.
///
/// The formats are those of the OCP specifications (OFP8 1.0; Microscaling Formats 1.0) and, for
/// the FNUZ forms, of Graphcore, AMD and Qualcomm (arXiv 2206.02915). Elements of less than a byte
/// fill bytes without a gap, the first in the lowest bits, as PyTorch's `float4_e2m1fn_x2` does;
/// safetensors leaves the order open (its pull request 611), and no other order of six bits is in
/// use where bytes are dense.
struct SmallFloat: Sendable {
  /// Bits of an element: 4, 6 or 8.
  let bits: Int
  private let values: [Float]

  /// Which codes stand for no number.
  private enum Special { case none, allOnes, largestExponent, negativeZero }

  static let e4m3 = SmallFloat(exponent: 4, mantissa: 3, bias: 7, .allOnes)
  static let e5m2 = SmallFloat(exponent: 5, mantissa: 2, bias: 15, .largestExponent)
  static let e4m3FNUZ = SmallFloat(exponent: 4, mantissa: 3, bias: 8, .negativeZero)
  static let e5m2FNUZ = SmallFloat(exponent: 5, mantissa: 2, bias: 16, .negativeZero)
  static let e2m3 = SmallFloat(exponent: 2, mantissa: 3, bias: 1, .none)
  static let e3m2 = SmallFloat(exponent: 3, mantissa: 2, bias: 3, .none)
  static let e2m1 = SmallFloat(exponent: 2, mantissa: 1, bias: 1, .none)
  /// Powers of two without a sign, 2^(code - 127); the last code is NaN.
  static let e8m0 = SmallFloat(
    bits: 8,
    values: (0..<256).map {
      $0 == 255 ? .nan : Float(sign: .plus, exponent: $0 - 127, significand: 1)
    }
  )

  private init(bits: Int, values: [Float]) { (self.bits, self.values) = (bits, values) }

  private init(exponent: Int, mantissa: Int, bias: Int, _ special: Special) {
    let bits = 1 + exponent + mantissa
    let sign = 1 << (bits - 1)
    let values = (0..<1 << bits).map { code -> Float in
      let field = code & (sign - 1)
      let (high, low) = (field >> mantissa, field & (1 << mantissa - 1))
      let isLargest = high == 1 << exponent - 1
      let isNaN =
        switch special {
        case .none: false
        case .allOnes: field == sign - 1
        case .largestExponent: isLargest && low != 0
        case .negativeZero: code == sign
        }
      if isNaN { return .nan }
      let magnitude =
        if special == .largestExponent, isLargest {
          Float.infinity
        } else if high == 0 {
          Float(sign: .plus, exponent: 1 - bias - mantissa, significand: Float(low))
        } else {
          Float(
            sign: .plus,
            exponent: high - bias - mantissa,
            significand: Float(1 << mantissa | low)
          )
        }
      return code & sign == 0 ? magnitude : -magnitude
    }
    self.init(bits: bits, values: values)
  }

  /// Widens elements that fill whole bytes.
  func widen(
    _ source: UnsafeRawPointer,
    into target: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    let bytes = source.bytes(at: 0)
    values.withUnsafeBufferPointer { values in
      switch bits {
      case 8: for i in 0..<count { target[i] = values[Int(bytes[i])] }
      case 4:
        for i in 0..<count / 2 {
          target[2 * i] = values[Int(bytes[i] & 15)]
          target[2 * i + 1] = values[Int(bytes[i] >> 4)]
        }
      default:
        for i in 0..<count / 4 {
          let low = UInt32(bytes[3 * i]) | UInt32(bytes[3 * i + 1]) << 8
          let four = low | UInt32(bytes[3 * i + 2]) << 16
          for part in 0..<4 {
            target[4 * i + part] = values[Int(four >> UInt32(6 * part) & 63)]
          }
        }
      }
    }
  }
}
