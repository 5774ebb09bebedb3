/// The wire format of protocol buffers: fields one after another, each with number and kind.
struct ProtocolBuffer {
  /// A field and what it holds.
  struct Field {
    let number: Int
    let value: Value
  }

  /// What a field can hold.
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(ArraySlice<UInt8>)
    case fixed32(UInt32)
  }

  /// The bytes are no message from here on.
  struct Broken: Error {
    let offset: Int
  }

  private var rest: ArraySlice<UInt8>

  /// A message of these bytes.
  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next field; nil at the end.
  mutating func next() throws(Broken) -> Field? {
    if rest.isEmpty { return nil }
    let start = rest.startIndex
    let tag = try varint()
    guard let number = Int(exactly: tag >> 3), number > 0 else { throw Broken(offset: start) }
    let value: Value
    switch tag & 7 {
    case 0: value = .varint(try varint())
    case 1: value = .fixed64(try fixed(8))
    case 2:
      let length = try varint()
      guard length <= UInt64(rest.count) else { throw Broken(offset: start) }
      value = .bytes(rest.prefix(Int(length)))
      rest = rest.dropFirst(Int(length))
    case 5: value = .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
    default: throw Broken(offset: start)
    }
    return Field(number: number, value: value)
  }

  private mutating func varint() throws(Broken) -> UInt64 {
    let start = rest.startIndex
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst(), shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw Broken(offset: start)
  }

  private mutating func fixed(_ count: Int) throws(Broken) -> UInt64 {
    guard rest.count >= count else { throw Broken(offset: rest.startIndex) }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  // MARK: - Writing

  /// Appends the field `number` with a whole number.
  static func append(_ number: Int, varint value: UInt64, to out: inout [UInt8]) {
    append(varint: UInt64(number) << 3, to: &out)
    append(varint: value, to: &out)
  }

  /// Appends the field `number` with bytes, text or a message.
  static func append(_ number: Int, _ bytes: [UInt8], to out: inout [UInt8]) {
    append(varint: UInt64(number) << 3 | 2, to: &out)
    append(varint: UInt64(bytes.count), to: &out)
    out += bytes
  }

  /// Appends the field `number` with four bytes.
  static func append(_ number: Int, fixed32 value: UInt32, to out: inout [UInt8]) {
    append(varint: UInt64(number) << 3 | 5, to: &out)
    for shift in stride(from: 0, to: 32, by: 8) {
      out.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  private static func append(varint value: UInt64, to out: inout [UInt8]) {
    var value = value
    while value >= 0x80 {
      out.append(UInt8(value & 0x7F) | 0x80)
      value >>= 7
    }
    out.append(UInt8(value))
  }
}
