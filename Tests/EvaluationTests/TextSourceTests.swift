import Fixtures
import SystemPackage
import Testing

@testable import Evaluation

/// Reading text and ids from files.
@Suite struct TextSourceTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func documents(_ name: String, _ bytes: [UInt8]) throws -> [[UInt8]] {
    try TextSource.file(FilePath(try scratch.write(name, bytes))).documents()
  }

  private func refusal(_ name: String, _ bytes: [UInt8]) -> EvaluationError? {
    #expect(throws: EvaluationError.self) { _ = try documents(name, bytes) }
  }

  @Test("a .txt is one document, byte for byte, mark and line ends included")
  func plainText() throws {
    let bytes = [0xEF, 0xBB, 0xBF] + Array("one\r\n\ntwo\u{0} é\n".utf8)
    #expect(try documents("a.txt", bytes) == [bytes])
    #expect(try documents("empty.txt", []) == [[]])
  }

  @Test("a .jsonl is a document a line, whatever else the lines say")
  func jsonLines() throws {
    let lines = """
      {"text": "one", "id": 4}

      {"id": {"text": "no"}, "text": "t\\u00e9\\n\\ud83d\\ude00"}
      \t
      {"text": ""}
      """
    let expected = ["one", "té\n😀", ""].map { Array($0.utf8) }
    #expect(try documents("a.jsonl", Array(lines.utf8)) == expected)
    #expect(try documents("b.jsonl", Array((lines + "\n").utf8)) == expected)
    let windows = lines.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(try documents("c.jsonl", Array(windows.joined(separator: "\r\n").utf8)) == expected)
    #expect(try documents("empty.jsonl", []).isEmpty)
  }

  @Test("equal text as .txt and as one line of .jsonl is the same document")
  func bothKindsAgree() throws {
    let text = "The quick brown fox\n\tjumps \"over\" 12 dogs.\n"
    let line = #"{"text": "The quick brown fox\n\tjumps \"over\" 12 dogs.\n"}"#
    #expect(try documents("a.txt", Array(text.utf8)) == documents("a.jsonl", Array(line.utf8)))
  }

  @Test("text that is not UTF-8 is refused, with the line where there are lines")
  func invalidUTF8() throws {
    let good = Array("{\"text\": \"fine\"}\n".utf8)
    let bad = Array("{\"text\": \"".utf8) + [0xC3, 0x28] + Array("\"}\n".utf8)
    let jsonl = FilePath(scratch("a.jsonl"))
    #expect(
      refusal("a.jsonl", good + good + bad + good) == .notUTF8(file: jsonl, line: 3)
    )
    let txt = FilePath(scratch("a.txt"))
    #expect(refusal("a.txt", [0x61, 0xFF]) == .notUTF8(file: txt, line: nil))
    // A surrogate and an overlong form are no UTF-8 either.
    #expect(refusal("a.txt", [0xED, 0xA0, 0x80]) == .notUTF8(file: txt, line: nil))
    #expect(refusal("a.txt", [0xC0, 0xAF]) == .notUTF8(file: txt, line: nil))
    let text = EvaluationError.notUTF8(file: jsonl, line: 3).description
    #expect(text.contains("a.jsonl") && text.contains("line 3"))
  }

  @Test(
    "a line that is no object with a string 'text' is refused with its number",
    arguments: [
      "[1]", "{\"text\": 5}", "{\"txt\": \"a\"}", "{\"text\": null}", "{\"text\": \"a\"", "text",
      "{\"text\": \"a\"} {\"text\": \"b\"}", "\"text\"",
    ]
  )
  func malformedLines(line: String) throws {
    let text = "{\"text\": \"fine\"}\n\n\(line)\n"
    guard
      case .malformedLine(let file, let number, let reason)? = refusal(
        "a.jsonl",
        Array(text.utf8)
      )
    else {
      Issue.record("not refused as a malformed line")
      return
    }
    #expect(file == FilePath(scratch("a.jsonl")) && number == 3 && !reason.isEmpty)
  }

  @Test("a file that is neither .txt nor .jsonl is refused", arguments: ["a.json", "a", "a.md"])
  func unknownKind(name: String) {
    #expect(refusal(name, [0x61]) == .unknownTextKind(file: FilePath(scratch(name))))
  }

  @Test("ids are a flat list of numbers")
  func ids() throws {
    let path = FilePath(try scratch.write("a.json", " [1, 0,\n 1023 ]\n"))
    #expect(try TextSource.ids(in: path) == [1, 0, 1023])
    #expect(try TextSource.ids(in: FilePath(try scratch.write("b.json", "[]"))).isEmpty)
  }

  @Test(
    "other lists of ids are refused",
    arguments: [
      "", "1, 2", "[1, -2]", "[1.5]", "[[1, 2]]", "[1, 2", "[1, 2] 3", "{\"ids\": [1]}",
      "[\"1\"]", "[2147483648]", "[1,]",
    ]
  )
  func malformedIDs(text: String) throws {
    let path = FilePath(try scratch.write("a.json", text))
    let error = #expect(throws: EvaluationError.self) { _ = try TextSource.ids(in: path) }
    guard case .malformedIDs(let file, _, _)? = error else {
      Issue.record("\(text) was refused as \(error?.description ?? "nothing")")
      return
    }
    #expect(file == path)
  }
}
