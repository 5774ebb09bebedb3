import Fixtures
import JSON
import Testing

@testable import Tokenization

/// The cases of `Fixtures/ggml-tokenizer-cases.json`, which stock llama.cpp made.
@Suite struct GGMLReferenceTests {
  let file: JSONValue

  init() throws {
    file = try TokenizerFiles.json(Fixtures.path("ggml-tokenizer-cases.json"))
  }

  @Test func everyPreTokenizerCutsAsInLlamaCpp() throws {
    let texts = try strings(file["texts"])
    var names: [String] = []
    for group in try #require(file["pre"]?.array) {
      for name in try strings(group["names"]) {
        names.append(name)
        var vocabulary = try vocabulary(.gpt2, file["gpt2"])
        vocabulary.pre = name
        try expect(vocabulary, texts, group["ids"], name)
      }
    }
    #expect(names.sorted() == GGMLPreTokenizer.names)
  }

  @Test func theUsersOwnTokensAreFoundInTheText() throws {
    let user = try #require(file["user"])
    var vocabulary = try vocabulary(.gpt2, user)
    vocabulary.merges = try strings(file["gpt2"]?["merges"])
    vocabulary.pre = "qwen2"
    try expect(vocabulary, strings(user["texts"]), user["ids"], "user")
  }

  @Test func piecesAreMergedByScore() throws {
    let llama = try #require(file["llama"])
    for oracle in try #require(llama["cases"]?.array) {
      var vocabulary = try vocabulary(.llama, llama)
      vocabulary.scores = try #require(oracle["scores"]?.array).compactMap(\.double).map(Float.init)
      vocabulary.addsSpacePrefix = oracle["prefix"]?.bool
      try expect(vocabulary, strings(llama["texts"]), oracle["ids"], "llama")
    }
  }

  @Test func decodingGivesTheTextBack() throws {
    var vocabulary = try vocabulary(.gpt2, file["gpt2"])
    vocabulary.pre = "llama-bpe"
    let tokenizer = try Tokenizer(TokenizerDescription(vocabulary, file: "test.gguf"))
    for text in try strings(file["texts"]) {
      #expect(try tokenizer.decode(tokenizer.encode(text)).isSame(as: text), "\(quoted(text))")
    }
    #expect(try tokenizer.decode([0, 65], skipSpecialTokens: true) == "a")

    let llama = try #require(file["llama"])
    var pieces = try self.vocabulary(.llama, llama)
    pieces.scores = [Float](repeating: 0, count: pieces.tokens.count)
    let merger = try Tokenizer(TokenizerDescription(pieces, file: "test.gguf"))
    for text in ["the them", "日本\n", " é  x"] {
      #expect(try merger.decode(merger.encode(text)).isSame(as: text), "\(quoted(text))")
    }
  }

  private func expect(
    _ vocabulary: GGMLVocabulary,
    _ texts: [String],
    _ expected: JSONValue?,
    _ name: String
  ) throws {
    let tokenizer = try Tokenizer(TokenizerDescription(vocabulary, file: "test.gguf"))
    for (text, ids) in zip(texts, try #require(expected?.array)) {
      #expect(try tokenizer.encode(text) == ids.ids, "\(name): \(quoted(text))")
    }
  }

  private func vocabulary(
    _ model: GGMLVocabulary.Model,
    _ json: JSONValue?
  ) throws -> GGMLVocabulary {
    var vocabulary = GGMLVocabulary(model: model, pre: nil, tokens: try strings(json?["tokens"]))
    vocabulary.types = try #require(json?["types"]?.ids).compactMap { .init(rawValue: $0) }
    if json?["merges"] != nil { vocabulary.merges = try strings(json?["merges"]) }
    return vocabulary
  }

  private func strings(_ json: JSONValue?) throws -> [String] {
    try #require(json?.array).compactMap(\.string)
  }
}
