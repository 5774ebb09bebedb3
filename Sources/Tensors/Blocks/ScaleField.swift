/// A scale inside a block, which decides whether the block's values are finite.
enum ScaleField {
  /// A half-precision number at this byte.
  case half(Int)
  /// A power of two (exponent + 127) at this byte, whose largest multiple is 6.
  case exponent(Int)
  /// A half-precision number in the upper nibbles of the four words at this byte.
  case nibbles(Int)

  /// Its first byte.
  var place: Int {
    switch self {
    case .half(let place), .exponent(let place), .nibbles(let place): place
    }
  }

  /// Its bytes.
  var size: Int {
    switch self {
    case .half: 2
    case .exponent: 1
    case .nibbles: 8
    }
  }

  /// Whether the scale at `bytes` leaves every value of its block finite.
  func isFinite(_ bytes: UnsafeRawPointer) -> Bool {
    switch self {
    case .half: bytes.word(at: 0) & 0x7C00 != 0x7C00
    // 6 * 2^125 is below 2^128, 6 * 2^126 is not.
    case .exponent: bytes.load(as: UInt8.self) <= 252
    case .nibbles: IQ1_M.halfScale(bytes) & 0x7C00 != 0x7C00
    }
  }
}
