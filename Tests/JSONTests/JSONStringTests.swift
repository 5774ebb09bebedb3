import Testing

@testable import JSON

@Suite("JSON strings")
struct JSONStringTests {
  private func string(_ text: String) throws -> String {
    var scanner = JSONScanner(Array(text.utf8))
    return try scanner.string()
  }

  @Test(
    "an escape stands for its character",
    arguments: [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041""#, "A"), (#""\u00e9""#, "é"),
      (#""\u00E9""#, "é"), (#""\u0000""#, "\u{0}"), (#""\u2028x""#, "\u{2028}x"),
      (#""a\u0041b\u0042""#, "aAbB"), (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00!""#, "😀!"),
      (#""\udbff\udfff""#, "\u{10FFFF}"), (#""\ud800\udc00""#, "\u{10000}"),
      (#""\uffff""#, "\u{FFFF}"), (#""é😀""#, "é😀"), (#""\n é😀""#, "\n é😀"),
    ]
  )
  func escapes(text: String, expected: String) throws {
    #expect(Array(try string(text).utf8) == Array(expected.utf8))
  }

  @Test(
    "an escape that JSON does not know is refused",
    arguments: [
      #""\a""#, #""\'""#, #""\x41""#, #""\U0041""#, #""\0""#, #""\""#, #""\u""#, #""\u12""#,
      #""\u004g""#, #""\u+041""#, #""\u 041""#, #""\u-001""#, "\"\\u00\u{FF11}1\"", "\"\\\n\"",
    ]
  )
  func unknownEscapes(text: String) {
    #expect(throws: JSONError.self) { try string(text) }
  }

  @Test(
    "half a surrogate pair is refused",
    arguments: [
      #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\u0041""#,
      #""\ud800\ud800""#, #""\udc00\ud800""#, #""\ud800\u""#, #""\udfff""#,
    ]
  )
  func loneSurrogates(text: String) {
    #expect(throws: JSONError.self) { try string(text) }
  }

  @Test(
    "bytes that are not UTF-8 are refused",
    arguments: [
      [0xFF], [0x80], [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80],
      [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
    ] as [[UInt8]]
  )
  func invalidUTF8(bytes: [UInt8]) {
    let quote = UInt8(ascii: "\"")
    let plain = [quote] + bytes + [quote]
    #expect(throws: JSONError(offset: 1, expected: "valid UTF-8")) {
      try JSONValue(parsing: plain)
    }
    // The same after an escape, which takes the slow path.
    let escaped = [quote] + Array(#"\n"#.utf8) + bytes + [quote]
    #expect(throws: JSONError(offset: 1, expected: "valid UTF-8")) {
      try JSONValue(parsing: escaped)
    }
  }

  @Test("a control character inside a string is refused, also behind an escape")
  func controls() {
    for byte in UInt8(0)..<0x20 {
      let quote = UInt8(ascii: "\"")
      #expect(throws: JSONError.self) { try JSONValue(parsing: [quote, byte, quote]) }
      let behind = [quote] + Array(#"\n"#.utf8) + [byte, quote]
      #expect(throws: JSONError.self) { try JSONValue(parsing: behind) }
    }
  }

  @Test("every scalar survives writing and reading")
  func roundTrip() throws {
    for value in stride(from: UInt32(0), through: 0x10FFFF, by: 7) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let string = "a\(Character(scalar))b"
      let text = JSONValue.string(string).text(pretty: false)
      let back = try JSONValue(parsing: Array(text.utf8)).string
      #expect(back.map { Array($0.utf8) } == Array(string.utf8))
    }
  }
}
