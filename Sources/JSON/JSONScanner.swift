/// A pull scanner over JSON text: one pass, nothing allocated but the strings asked for.
///
/// Foundation's decoders keep the first of two equal keys without a word and hide the order of
/// keys; checkpoint headers need both, and need them without building a tree of a hundred thousand
/// tensors. The scanner follows RFC 8259, refuses invalid UTF-8, unpaired surrogates and nesting
/// deeper than its limit, and knows the byte offset of everything it refuses.
public struct JSONScanner {
  private let text: [UInt8]
  /// Offset of the next byte to read.
  public private(set) var position: Int
  private let end: Int
  private var depth = 0
  private let depthLimit: Int

  /// Scans `text` within `range` (all of it by default).
  public init(_ text: [UInt8], in range: Range<Int>? = nil, depthLimit: Int = 64) {
    self.text = text
    self.position = range?.lowerBound ?? 0
    self.end = range?.upperBound ?? text.count
    self.depthLimit = depthLimit
  }

  // MARK: - Structure

  /// Reads an object, calling `member` with each key when the scanner stands before its value.
  ///
  /// `member` must consume exactly one value.
  public mutating func object<E: Error>(
    _ member: (inout JSONScanner, String) throws(E) -> Void
  ) throws -> Void {
    try expect(UInt8(ascii: "{"), "an object")
    try descend()
    skipWhitespace()
    if take(UInt8(ascii: "}")) {
      depth -= 1
      return
    }
    while true {
      skipWhitespace()
      let key = try string()
      skipWhitespace()
      try expect(UInt8(ascii: ":"), "':' after a key")
      try member(&self, key)
      skipWhitespace()
      if take(UInt8(ascii: "}")) { break }
      try expect(UInt8(ascii: ","), "',' or '}'")
    }
    depth -= 1
  }

  /// Reads an array, calling `element` when the scanner stands before each element.
  public mutating func array<E: Error>(
    _ element: (inout JSONScanner) throws(E) -> Void
  ) throws -> Void {
    try expect(UInt8(ascii: "["), "an array")
    try descend()
    skipWhitespace()
    if take(UInt8(ascii: "]")) {
      depth -= 1
      return
    }
    while true {
      try element(&self)
      skipWhitespace()
      if take(UInt8(ascii: "]")) { break }
      try expect(UInt8(ascii: ","), "',' or ']'")
    }
    depth -= 1
  }

  /// The first byte of the next value, or nil at the end of the text.
  public mutating func peek() -> UInt8? {
    skipWhitespace()
    return position < end ? text[position] : nil
  }

  /// Fails unless nothing but white space is left.
  public mutating func finish() throws {
    skipWhitespace()
    if position < end { throw failure("nothing more after the value") }
  }

  // MARK: - Leaves

  /// Reads a string.
  public mutating func string() throws -> String {
    try expect(UInt8(ascii: "\""), "a string")
    let start = position
    while position < end {
      let byte = text[position]
      if byte == UInt8(ascii: "\"") {
        let plain = try decode(text[start..<position], at: start)
        position += 1
        return plain
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
      if byte < 0x20 { throw failure("no control character inside a string") }
      position += 1
    }
    throw failure("a closing quote")
  }

  /// Reads a number and returns its literal text.
  public mutating func number() throws -> String {
    skipWhitespace()
    let start = position
    _ = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if position < end, isDigit(text[position]) { throw failure("no leading zero") }
    } else {
      try digits()
    }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    return String(decoding: text[start..<position], as: UTF8.self)
  }

  /// Reads a non-negative whole number that fits an `Int`, written without fraction or exponent.
  public mutating func count() throws -> Int {
    skipWhitespace()
    let start = position
    let literal = try number()
    guard let value = Int(literal), value >= 0, literal.first != "-" else {
      position = start
      throw failure("a non-negative whole number below 2^63, not \(literal)")
    }
    return value
  }

  /// Reads `true` or `false`.
  public mutating func bool() throws -> Bool {
    if take(word: "true") { return true }
    if take(word: "false") { return false }
    throw failure("true or false")
  }

  /// Reads `null` if it is next.
  public mutating func takeNull() -> Bool {
    take(word: "null")
  }

  /// Reads any value and forgets it.
  public mutating func skipValue() throws {
    switch peek() {
    case UInt8(ascii: "{"): try object { scanner, _ in try scanner.skipValue() }
    case UInt8(ascii: "["): try array { scanner in try scanner.skipValue() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
    case UInt8(ascii: "n"): if !takeNull() { throw failure("a value") }
    default: _ = try number()
    }
  }

  /// An error saying what was expected at the present position.
  public func failure(_ expected: String) -> JSONError {
    JSONError(offset: position, expected: expected)
  }

  // MARK: - Helpers

  private mutating func descend() throws {
    depth += 1
    if depth > depthLimit { throw failure("nesting of at most \(depthLimit) levels") }
  }

  private mutating func skipWhitespace() {
    while position < end {
      switch text[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < end, text[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func take(word: StaticString) -> Bool {
    skipWhitespace()
    let length = word.utf8CodeUnitCount
    guard end - position >= length else { return false }
    let matches = word.withUTF8Buffer { bytes in
      (0..<length).allSatisfy { bytes[$0] == text[position + $0] }
    }
    if matches { position += length }
    return matches
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws {
    skipWhitespace()
    if !take(byte) { throw failure(what) }
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private mutating func digits() throws {
    let start = position
    while position < end, isDigit(text[position]) { position += 1 }
    if position == start { throw failure("a value") }
  }

  private func decode(_ bytes: ArraySlice<UInt8>, at offset: Int) throws -> String {
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw JSONError(offset: offset, expected: "valid UTF-8")
    }
    return string
  }

  /// The slow path of `string()`, taken from the first backslash on.
  private mutating func escapedString(from start: Int) throws -> String {
    var bytes = Array(text[start..<position])
    while position < end {
      let byte = text[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        return try decode(bytes[...], at: start)
      case UInt8(ascii: "\\"):
        try appendEscape(to: &bytes)
      case 0..<0x20:
        throw failure("no control character inside a string")
      default:
        bytes.append(byte)
      }
    }
    throw failure("a closing quote")
  }

  private mutating func appendEscape(to bytes: inout [UInt8]) throws {
    guard position < end else { throw failure("an escape") }
    let byte = text[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var value = try hexQuad()
      if (0xD800..<0xDC00).contains(value) {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
          throw failure("the second half of a surrogate pair")
        }
        let low = try hexQuad()
        guard (0xDC00..<0xE000).contains(low) else {
          throw failure("the second half of a surrogate pair")
        }
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw failure("the first half of a surrogate pair")
      }
      bytes.append(contentsOf: String(Character(scalar)).utf8)
    default:
      throw failure("a known escape")
    }
  }

  private mutating func hexQuad() throws -> UInt32 {
    guard end - position >= 4,
      text[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: text[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw failure("four hexadecimal digits") }
    position += 4
    return value
  }
}
