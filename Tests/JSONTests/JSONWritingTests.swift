import Testing

@testable import JSON

@Suite("JSON writing")
struct JSONWritingTests {
  @Test("pretty text has two spaces, and lists of numbers on one line")
  func pretty() {
    let value: JSONValue = [
      "a": [1, 2, nil], "b": ["x", "y"], "c": [:], "d": [], "e": ["f": true], "g": [[1], [2]],
    ]
    let expected = """
      {
        "a": [1, 2, null],
        "b": [
          "x",
          "y"
        ],
        "c": {},
        "d": [],
        "e": {
          "f": true
        },
        "g": [
          [1],
          [2]
        ]
      }
      """
    #expect(value.text(pretty: true) == expected)
  }

  @Test("plain text has no white space")
  func plain() {
    let value: JSONValue = ["a": [1, 2], "b": ["c": "d e"], "f": false]
    #expect(value.text(pretty: false) == #"{"a":[1,2],"b":{"c":"d e"},"f":false}"#)
  }

  @Test("quotes, backslashes and control characters are escaped, other text is not")
  func escapes() {
    let value = JSONValue.string("\"\\/\n\r\t\u{0}\u{1F}\u{7F}é😀")
    #expect(value.text(pretty: false) == #""\"\\/\n\r\t\u0000\u001f\u007fé😀""#)
  }

  @Test("both forms read back as the same value")
  func bothForms() throws {
    let value: JSONValue = [
      "a": [1, ["b": nil], "c\u{7}"], "": ["\"": .number("-1.5e-3")], "e": [[], [:], [[]]],
    ]
    for pretty in [true, false] {
      #expect(try JSONValue(parsing: Array(value.text(pretty: pretty).utf8)) == value)
    }
  }
}
