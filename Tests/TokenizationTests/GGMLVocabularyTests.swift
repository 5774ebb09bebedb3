import JSON
import Testing

@testable import Tokenization

/// What a vocabulary from a GGUF says, and what is refused.
@Suite struct GGMLVocabularyTests {
  private func letters(_ merges: [String]? = ["a b"]) -> GGMLVocabulary {
    var vocabulary = GGMLVocabulary(model: .gpt2, pre: "qwen2", tokens: ["a", "b", "ab", "c"])
    vocabulary.merges = merges
    return vocabulary
  }

  @Test func anUnknownPreTokenizerIsRefusedWithTheNamesThatAreKnown() {
    var vocabulary = letters()
    vocabulary.pre = "qwen9"
    let error = #expect(throws: TokenizationError.self) {
      _ = try TokenizerDescription(vocabulary, file: "m.gguf")
    }
    let text = error?.description ?? ""
    #expect(text.contains("m.gguf, tokenizer.ggml.pre"))
    #expect(text.contains("qwen9") && text.contains("deepseek-v3"))
  }

  @Test(arguments: ["ab", " ab", "a ", ""])
  func aMergeWithoutTwoTokensIsRefused(merge: String) {
    #expect(
      throws: TokenizationError.malformed(
        file: "m.gguf",
        place: "tokenizer.ggml.merges[1]",
        expected: "two tokens with a space between",
        got: quoted(merge)
      )
    ) { _ = try TokenizerDescription(letters(["a b", merge]), file: "m.gguf") }
  }

  @Test func mergesAreRequired() {
    #expect(throws: TokenizationError.self) {
      _ = try TokenizerDescription(letters(nil), file: "m.gguf")
    }
  }

  @Test func ofTwoMergesOfOnePairTheFirstCounts() throws {
    let description = try TokenizerDescription(
      letters(["a b", "b c", "a b"]),
      file: "m.gguf"
    )
    guard case .bytePair(let model) = description.model else { return }
    #expect(model.merges == [.init("a", "b"), .init("b", "c")])
  }

  @Test func aByteWithoutATokenIsNamed() throws {
    var vocabulary = GGMLVocabulary(model: .llama, pre: nil, tokens: ["▁", "a"])
    vocabulary.scores = [0, 0]
    let tokenizer = try Tokenizer(TokenizerDescription(vocabulary, file: "m.gguf"))
    #expect(try tokenizer.encode("a a") == [0, 1, 0, 1])
    #expect(throws: TokenizationError.noByteToken(file: "m.gguf", token: "<0x62>")) {
      _ = try tokenizer.encode("b")
    }
  }

  @Test func scoresMustBeThereForEveryTokenAndComparable() {
    for scores: [Float] in [[0], [0, .nan]] {
      var vocabulary = GGMLVocabulary(model: .llama, pre: nil, tokens: ["▁", "a"])
      vocabulary.scores = scores
      #expect(throws: TokenizationError.self) {
        _ = try Tokenizer(TokenizerDescription(vocabulary, file: "m.gguf"))
      }
    }
  }

  @Test func aTokenTwiceIsRefused() {
    let vocabulary = GGMLVocabulary(model: .llama, pre: nil, tokens: ["a", "a"])
    #expect(throws: TokenizationError.self) {
      _ = try Tokenizer(TokenizerDescription(vocabulary, file: "m.gguf"))
    }
  }

  @Test func llamaCppTakesWellKnownNamesForControlTokens() {
    var vocabulary = GGMLVocabulary(
      model: .gpt2,
      pre: nil,
      tokens: ["<|im_end|>", "<|channel|>", "<|fim_prefix|>", "<tool>"]
    )
    vocabulary.types = [.userDefined, .control, .userDefined, .userDefined]
    #expect(vocabulary.effectiveTypes() == [.control, .userDefined, .control, .userDefined])
    vocabulary.specialTokens = [.init(.fimPrefix, 2)]
    #expect(vocabulary.effectiveTypes()[2] == .userDefined)
  }

  @Test func documentsStartWithBOSByDefaultWhereLlamaCppDoesSo() {
    var vocabulary = letters()
    #expect(!vocabulary.startsWithBOSInLlamaCpp)
    vocabulary.pre = "llama-bpe"
    #expect(vocabulary.startsWithBOSInLlamaCpp)
    vocabulary.additions = [.init(.bos, false)]
    #expect(!vocabulary.startsWithBOSInLlamaCpp)
    #expect(GGMLVocabulary(model: .llama, pre: nil, tokens: []).startsWithBOSInLlamaCpp)
  }
}
