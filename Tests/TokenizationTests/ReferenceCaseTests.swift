import Fixtures
import JSON
import Testing

@testable import Tokenization

/// The cases of `Fixtures/tokenizer-cases.json`, which the `tokenizers` package made.
@Suite struct ReferenceCaseTests {
  let file: JSONValue
  let texts: [String]

  init() throws {
    file = try TokenizerFiles.json(Fixtures.path("tokenizer-cases.json"))
    texts = try #require(file["texts"]?.array).compactMap(\.string)
  }

  @Test func normalizersAgree() throws {
    for entry in try #require(file["normalizers"]?.array) {
      let step = try #require(entry["normalizer"])
      let place = JSONPlace(value: step, path: "normalizer", file: "test")
      var states: [PatternState] = []
      let normalizer = try TextNormalizer(place.normalizers(), states: &states, file: "test")
      let results = try #require(entry["results"]?.array)
      for (text, result) in zip(texts, results) {
        let ours = try normalizer.normalized(Array(text.utf8), &states)
        #expect(
          String(decoding: ours, as: UTF8.self).isSame(as: result.string),
          "\(step.text(pretty: false)) of \(quoted(text))"
        )
      }
    }
  }

  @Test func preTokenizersAgree() throws {
    for entry in try #require(file["pre_tokenizers"]?.array) {
      let step = try #require(entry["pre_tokenizer"])
      let place = JSONPlace(value: step, path: "pre_tokenizer", file: "test")
      var states: [PatternState] = []
      let splitter = try WordSplitter(place.preTokenizers(), states: &states, file: "test")
      let results = try #require(entry["results"]?.array)
      for (text, result) in zip(texts, results) where !text.isEmpty {
        let (rewritten, words) = try splitter.split(
          Array(text.utf8),
          isFirst: true,
          &states
        )
        let ours = words.map { Array(rewritten[$0]) }
        let theirs = try #require(result.array).compactMap(\.string).map { Array($0.utf8) }
        #expect(ours == theirs, "\(step.text(pretty: false)) of \(quoted(text))")
      }
    }
  }

  @Test func wholeTokenizersAgree() throws {
    let special = try #require(file["special_texts"]?.array).compactMap(\.string)
    for entry in try #require(file["whole"]?.array) {
      let name = try #require(entry["name"]?.string)
      guard let json = try tokenizer(of: entry) else {
        print("SKIPPED: \(name): no tokenizer of micro-qwen2moe in Fixtures or ../shared")
        continue
      }
      let tokenizer = try Tokenizer(TokenizerDescription(json: json, file: name))
      for (text, result) in zip(texts + special, try #require(entry["results"]?.array)) {
        let ids = try tokenizer.encode(text)
        #expect(ids == result["ids"]?.ids, "\(name): \(quoted(text))")
        #expect(
          try tokenizer.decode(ids).isSame(as: result["decoded"]?.string),
          "\(name): \(quoted(text))"
        )
        #expect(
          try tokenizer.decode(ids, skipSpecialTokens: true)
            .isSame(as: result["without_special"]?.string),
          "\(name): \(quoted(text))"
        )
      }
    }
  }

  /// The tokenizer an entry spells out, or its changes to that of micro-qwen2moe.
  private func tokenizer(of entry: JSONValue) throws -> JSONValue? {
    if let whole = entry["tokenizer"] { return whole }
    guard let path = TokenizerFiles.tokenizer(of: "micro-qwen2moe"),
      case .object(var root) = try TokenizerFiles.json(path),
      case .object(var model) = root["model"]
    else { return nil }
    for (key, value) in try #require(entry["model"]?.object).members { model[key] = value }
    for (key, value) in try #require(entry["changes"]?.object).members { root[key] = value }
    root["model"] = .object(model)
    return .object(root)
  }
}
