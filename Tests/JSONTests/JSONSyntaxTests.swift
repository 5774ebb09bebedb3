import Testing

@testable import JSON

/// What RFC 8259 lets pass and what it does not, document by document.
@Suite("JSON syntax")
struct JSONSyntaxTests {
  @Test(
    "a well-formed document is read",
    arguments: [
      "null", "true", "false", "0", "-0", "\"\"", "[]", "{}", " \t\r\n[ ]\n", "[1]", "[1,2]",
      "{\"a\":1}", "{ \"a\" : [ { } , null ] }", "\"a\"", "[[[[]]]]", "1e5", "[true,false,null]",
      "{\"\":0}", "\"\u{2028}\"", "\"\u{7F}\"", "\"\u{FFFF}\"", "\"\\u0000\"",
    ]
  )
  func accepted(text: String) throws {
    _ = try JSONValue(parsing: Array(text.utf8))
    var scanner = JSONScanner(Array(text.utf8))
    try scanner.skipValue()
    try scanner.finish()
  }

  @Test(
    "a malformed document is refused",
    arguments: [
      "", " ", "nul", "nulll", "True", "tru", "truefalse", "[", "]", "{", "}", "[1,]", "[,1]",
      "[1 2]",
      "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{1:1}", "[1]]", "{}{}",
      "1 2",
      "\"", "\"a", "\"\\\"", "\"\n\"", "\"\t\"", "\"\u{1F}\"", "\u{FEFF}1", "\u{A0}1", "// no\n1",
      "/**/1", "NaN", "Infinity", "-Infinity", "undefined", "\u{0C}1", "\u{0B}[]", "[\u{0}]",
      "\"a\u{0}b\"", "{\"a\":1 \"b\":2}", "{\"a\",1}", "[1:2]", "(1)",
    ]
  )
  func refused(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    #expect(throws: JSONError.self) {
      var scanner = JSONScanner(Array(text.utf8))
      try scanner.skipValue()
      try scanner.finish()
    }
  }

  @Test("an error knows its byte")
  func offset() {
    #expect(throws: JSONError(offset: 8, expected: "',' or '}'")) {
      try JSONValue(parsing: Array(#"{ "a":1 ; }"#.utf8))
    }
    #expect(throws: JSONError(offset: 3, expected: "nothing more after the value")) {
      try JSONValue(parsing: Array("[] x".utf8))
    }
    #expect("\(JSONError(offset: 3, expected: "a value"))" == "byte 3: expected a value")
  }

  @Test("a scanner reads no further than its range")
  func range() throws {
    let text = Array("xx[1]yy".utf8)
    var inside = JSONScanner(text, in: 2..<5)
    try inside.skipValue()
    try inside.finish()
    #expect(inside.position == 5)
    var short = JSONScanner(text, in: 2..<4)
    #expect(throws: JSONError(offset: 4, expected: "',' or ']'")) { try short.skipValue() }
  }

  @Test("every prefix of a document is refused without reading past its end")
  func prefixes() throws {
    let text = Array(#"{"a":[1.5e+3,"\u00e9\n",true,null],"b":{"c":-0}}"#.utf8)
    _ = try JSONValue(parsing: text)
    for length in 0..<text.count {
      #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text[..<length])) }
    }
  }
}
