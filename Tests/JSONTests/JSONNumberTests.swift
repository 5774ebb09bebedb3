import Testing

@testable import JSON

@Suite("JSON numbers")
struct JSONNumberTests {
  @Test(
    "a number keeps its literal",
    arguments: [
      "0", "-0", "1", "-1", "10", "0.5", "-0.5", "1e5", "1E5", "1e+5", "1e-5", "1.25e-10",
      "123456789012345678901234567890", "0e0", "0.0", "1e400", "1e-400",
    ]
  )
  func literal(text: String) throws {
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(value == .number(text))
    #expect(value.text(pretty: false) == text)
  }

  @Test(
    "what only looks like a number is refused",
    arguments: [
      "01", "-01", "00", "+1", ".5", "1.", "1.e5", "1e", "1e+", "-", "--1", "0x10", "1_000", "1,5",
      "1e5.5", "１", "1f", "- 1", "1 .5", "٣",
    ]
  )
  func refused(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
  }

  @Test(
    "a count is a plain whole number below 2^63",
    arguments: [
      ("0", 0), ("7", 7), ("9007199254740993", 9_007_199_254_740_993),
      ("9223372036854775807", Int.max),
    ]
  )
  func count(text: String, expected: Int) throws {
    var scanner = JSONScanner(Array(text.utf8))
    #expect(try scanner.count() == expected)
  }

  @Test(
    "a count with sign, fraction, exponent or 64 bits is refused where it starts",
    arguments: [
      "-1", "-0", "1.0", "1e3", "9223372036854775808", "18446744073709551616", "\"1\"", "null",
      "true", "[1]",
    ]
  )
  func noCount(text: String) {
    var scanner = JSONScanner(Array((" " + text).utf8))
    let error = #expect(throws: JSONError.self) { try scanner.count() }
    #expect(error?.offset == 1)
  }

  @Test(
    "a whole number may be written as Python reads it",
    arguments: [
      ("1e3", 1000), ("4.0", 4), ("-2", -2), ("-0", 0), ("4.5", nil), ("1e400", nil),
      ("9223372036854775807", Int.max), ("9223372036854775808", nil), ("1e19", nil),
    ] as [(String, Int?)]
  )
  func integer(text: String, expected: Int?) throws {
    #expect(try JSONValue(parsing: Array(text.utf8)).integer == expected)
  }

  @Test("a number that JSON cannot say is written as null")
  func notFinite() {
    #expect(JSONValue(Double.nan) == .null)
    #expect(JSONValue(Double.infinity) == .null)
    #expect(JSONValue(-Double.infinity) == .null)
    #expect(JSONValue(0.1).double == 0.1)
  }

  @Test("a double comes back bit for bit")
  func doubles() throws {
    let values: [Double] = [
      0.1, 1e-5, -0.0, .leastNonzeroMagnitude, 1.7976931348623157e308, 123456.789, 1e22, 1e16, 3,
    ]
    for value in values {
      let text = JSONValue(value).text(pretty: false)
      let back = try JSONValue(parsing: Array(text.utf8)).double
      #expect(back?.bitPattern == value.bitPattern)
    }
  }
}
