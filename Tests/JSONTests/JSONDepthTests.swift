import Testing

@testable import JSON

@Suite("JSON nesting")
struct JSONDepthTests {
  private func arrays(_ depth: Int) -> [UInt8] {
    Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
  }

  @Test("nesting up to the limit is read, one level more is refused", arguments: [1, 4, 64])
  func limit(depth: Int) throws {
    _ = try JSONValue(parsing: arrays(depth), depthLimit: depth)
    let error = JSONError(offset: depth + 1, expected: "nesting of at most \(depth) levels")
    #expect(throws: error) { try JSONValue(parsing: arrays(depth + 1), depthLimit: depth) }
  }

  @Test("levels count what is open, not what was closed")
  func siblings() throws {
    let text = "[" + Array(repeating: "[[]]", count: 100).joined(separator: ",") + "]"
    _ = try JSONValue(parsing: Array(text.utf8), depthLimit: 3)
  }

  @Test("a million brackets are refused, not recursed into")
  func bomb() {
    let text = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
    #expect(throws: JSONError(offset: 65, expected: "nesting of at most 64 levels")) {
      try JSONValue(parsing: text)
    }
    let objects = Array(String(repeating: "{\"a\":", count: 1000).utf8)
    #expect(throws: JSONError.self) {
      var scanner = JSONScanner(objects)
      try scanner.skipValue()
    }
  }
}
