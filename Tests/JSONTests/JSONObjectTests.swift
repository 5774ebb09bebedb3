import Testing

@testable import JSON

@Suite("JSON objects")
struct JSONObjectTests {
  private let composed = "caf\u{E9}"
  private let decomposed = "cafe\u{301}"

  @Test("a key twice in one object is refused")
  func duplicate() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: Array(#"{"a":1,"a":1}"#.utf8)) }
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: Array(#"{"x":{"a":1,"b":2,"\u0061":3}}"#.utf8))
    }
  }

  @Test("the same key in two objects is no repetition")
  func nested() throws {
    let value = try JSONValue(parsing: Array(#"{"a":{"a":1},"b":{"a":2}}"#.utf8))
    #expect(value["a"]?["a"] == 1)
    #expect(value["b"]?["a"] == 2)
  }

  @Test("keys are compared by their bytes, not by what they look like")
  func bytes() throws {
    #expect(composed == decomposed)
    let value = try JSONValue(parsing: Array("{\"\(composed)\":1,\"\(decomposed)\":2}".utf8))
    #expect(value.object?.count == 2)
    #expect(value[composed] == 1)
    #expect(value[decomposed] == 2)
    #expect(UTF8Key(composed) != UTF8Key(decomposed))
    #expect(UTF8Key(composed).hashValue != UTF8Key(decomposed).hashValue)
  }

  @Test("objects and strings are equal by their bytes")
  func equality() {
    let a: JSONValue = [composed: 1]
    let b: JSONValue = [decomposed: 1]
    #expect(a != b)
    #expect(a == [composed: 1])
    #expect(JSONValue.string(composed) != JSONValue.string(decomposed))
  }

  @Test("members keep the order of the text")
  func order() throws {
    let text = #"{"z":1,"a":2,"m":{"y":1,"b":2},"0":3}"#
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(value.object?.keys == ["z", "a", "m", "0"])
    #expect(value.text(pretty: false) == text)
  }

  @Test("setting a key replaces it in place, appends it, or removes it")
  func setting() throws {
    var object = try #require(JSONObject([("a", 1), ("b", 2), ("c", 3)]))
    object["b"] = 20
    object["d"] = 4
    #expect(JSONValue.object(object).text(pretty: false) == #"{"a":1,"b":20,"c":3,"d":4}"#)
    object["a"] = nil
    object["zz"] = nil
    #expect(object.keys == ["b", "c", "d"])
    #expect(object["c"] == 3)
    #expect(object["d"] == 4)
    #expect(object.count == 3)
    #expect(JSONObject([("a", 1), ("a", 1)]) == nil)
  }

  @Test("the scanner hands out repeated keys for its caller to judge")
  func pull() throws {
    var scanner = JSONScanner(Array(#" { "a" : 1 , "a" : [ 2 , 3 ] } "#.utf8))
    var seen: [String] = []
    try scanner.object { scanner, key in
      seen.append(key)
      try scanner.skipValue()
    }
    try scanner.finish()
    #expect(seen == ["a", "a"])
  }
}
