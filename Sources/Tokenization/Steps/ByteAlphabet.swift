/// GPT-2's characters for bytes: printable bytes stand for themselves, the others for U+0100 and up.
enum ByteAlphabet {
  /// The character of each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The byte of each character below U+0144; nil for those that stand for none.
  private static let bytes: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = UInt8(byte) }
    return bytes
  }()

  /// Appends the characters of `text[range]` to `out`.
  static func encode(_ text: Span<UInt8>, _ range: Range<Int>, to out: inout [UInt8]) {
    for position in range { out.append(scalar: scalars[Int(text[position])]) }
  }

  /// The bytes that a token's characters stand for, or nil if one of them stands for none.
  static func decode(_ token: [UInt8]) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(token.count)
    let text = token.span
    var position = 0
    while position < token.count {
      let (scalar, length) = decodeScalar(text, at: position)
      guard scalar < 0x144, let byte = bytes[Int(scalar)] else { return nil }
      out.append(byte)
      position += length
    }
    return out
  }
}
