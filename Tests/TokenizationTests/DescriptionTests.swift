import JSON
import Testing

@testable import Tokenization

/// Reading `tokenizer.json`, and what is refused.
@Suite struct DescriptionTests {
  /// A small legal file, changed by `change`.
  private func file(_ change: (inout JSONObject, inout JSONObject) -> Void) -> JSONValue {
    var model: JSONObject = JSONObject()
    model["type"] = "BPE"
    model["vocab"] = ["a": 0, "b": 1, "ab": 2, "<unk>": 3]
    model["merges"] = ["a b"]
    var root = JSONObject()
    root["added_tokens"] = []
    change(&root, &model)
    root["model"] = .object(model)
    return .object(root)
  }

  private func error(
    _ change: (inout JSONObject, inout JSONObject) -> Void
  ) -> String {
    do throws(TokenizationError) {
      _ = try Tokenizer(TokenizerDescription(json: file(change), file: "tokenizer.json"))
      return "accepted"
    } catch {
      return error.description
    }
  }

  @Test func aSmallFileIsRead() throws {
    let description = try TokenizerDescription(json: file { _, _ in }, file: "tokenizer.json")
    #expect(description.vocabulary.count == 4)
    #expect(description.model == .bytePair(.init(merges: [.init("a", "b")])))
    #expect(description.decoders == nil)
    #expect(try Tokenizer(description).encode("abba") == [2, 1, 0])
  }

  @Test func mergesAreReadInBothForms() throws {
    let pairs = file { _, model in model["merges"] = [["a", "b"]] }
    let strings = file { _, _ in }
    #expect(
      try TokenizerDescription(json: pairs, file: "x").model
        == TokenizerDescription(json: strings, file: "x").model
    )
  }

  /// "é" in one code point and in two are two tokens, though Swift's strings compare equal.
  @Test func equivalentTokensStayApart() throws {
    let json = file { _, model in
      model["vocab"] = ["\u{E9}": 0, "e\u{301}": 1, "e": 2, "\u{301}": 3]
      model["merges"] = ["e \u{301}"]
    }
    let tokenizer = try Tokenizer(TokenizerDescription(json: json, file: "x"))
    #expect(try tokenizer.encode("\u{E9}") == [0])
    #expect(try tokenizer.encode("e\u{301}") == [1])
    #expect(try tokenizer.decode([1]).utf8.count == 3)
  }

  @Test func unsupportedPartsAreNamed() {
    #expect(error { $1["type"] = "Unigram" }.contains("model.type: the model \"Unigram\""))
    #expect(error { $1["type"] = "WordPiece" }.contains("supported: BPE"))
    #expect(error { $1["dropout"] = .number("0.1") }.contains("model.dropout"))
    #expect(error { $1["end_of_word_suffix"] = "</w>" }.contains("model.end_of_word_suffix"))
    #expect(
      error { root, _ in
        root["normalizer"] = ["type": "Sequence", "normalizers": [["type": "Nmt"]]]
      }
      .contains("normalizer.normalizers[0]: the normalizer \"Nmt\" is not supported")
    )
    #expect(
      error { root, _ in root["pre_tokenizer"] = ["type": "BertPreTokenizer"] }
        .contains("pre_tokenizer: the pre-tokenizer \"BertPreTokenizer\"")
    )
    #expect(
      error { root, _ in root["decoder"] = ["type": "WordPiece"] }
        .contains("decoder: the decoder \"WordPiece\"")
    )
    let split: JSONValue = [
      "type": "Split", "pattern": ["Regex": "(a)\\1"], "behavior": "Isolated", "invert": false,
    ]
    #expect(
      error { root, _ in root["pre_tokenizer"] = split }
        .contains("pre_tokenizer.pattern.Regex: the escape \\1 at byte 3")
    )
  }

  @Test func damagedPartsAreNamed() {
    #expect(error { $1["merges"] = ["a c"] }.contains("model.merges[0]: expected tokens of the"))
    #expect(error { $1["merges"] = ["a b c"] }.contains("model.merges[0]: expected two tokens"))
    #expect(error { $1["merges"] = ["b a"] }.contains("got \"ba\""))
    #expect(error { $1["merges"] = "a b" }.contains("model.merges: expected an array"))
    #expect(error { $1["merges"] = nil }.contains("expected the key \"merges\""))
    #expect(error { $1["vocab"] = ["a": 0, "b": 0] }.contains("one token per id"))
    #expect(error { $1["vocab"] = ["a": -1] }.contains("model.vocab[\"a\"]: expected an id from 0"))
    #expect(error { $1["vocab"] = ["a": "0"] }.contains("got \"0\""))
    #expect(error { $1["vocab"] = ["a": 4_294_967_296] }.contains("got 4294967296"))
    #expect(
      error { root, _ in root["added_tokens"] = [["id": 0, "content": "x"]] }
        .contains("added_tokens[0]: expected one token per id")
    )
    #expect(
      error { root, _ in root["added_tokens"] = [["id": 9, "content": "a"]] }
        .contains("added_tokens[0]: expected id 0")
    )
    #expect(
      error { root, _ in root["added_tokens"] = [["id": 9, "content": ""]] }
        .contains("added_tokens[0].content")
    )
    #expect(error { root, _ in root["added_tokens"] = ["id": 9] }.contains("expected an array"))
    #expect(error { root, _ in root["decoder"] = "ByteLevel" }.contains("expected an object"))
    #expect(
      throws: TokenizationError.malformed(
        file: "x",
        place: "the whole",
        expected: "an object",
        got: "an array of 0"
      )
    ) { try TokenizerDescription(json: [], file: "x") }
  }

  @Test func aVocabularyBeyondTheModelIsRefused() throws {
    let description = try TokenizerDescription(json: file { _, _ in }, file: "t.json")
    try description.check()
    try description.check(vocabularySize: 4)
    #expect(
      throws: TokenizationError.vocabularyTooLarge(file: "t.json", token: "<unk>", id: 3, rows: 3)
    ) { try description.check(vocabularySize: 3) }
  }
}
