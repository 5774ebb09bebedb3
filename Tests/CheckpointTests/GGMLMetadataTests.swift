import Fixtures
import GGUF
import SystemPackage
import Testing
import Tokenization

@testable import Checkpoint

/// Tokenizers in the keys of GGUF files.
@Suite struct GGMLMetadataTests {
  private static let key = "tokenizer.ggml."

  private func metadata(_ changes: [(String, GGUFValue?)] = []) -> GGUFMetadata {
    var metadata = GGUFMetadata([
      ("general.architecture", .string("qwen2moe")),
      ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string("qwen2")),
      ("tokenizer.ggml.tokens", .array(GGUFArray(["a", "b", "ab"]))),
      ("tokenizer.ggml.token_type", .array(GGUFArray([Int32(1), 1, 1]))),
      ("tokenizer.ggml.merges", .array(GGUFArray(["a b"]))),
      ("tokenizer.ggml.eos_token_id", .uint32(2)),
      ("tokenizer.ggml.add_bos_token", .bool(false)),
      ("tokenizer.chat_template.tools", .string("T")),
      ("tokenizer.chat_templates", .array(GGUFArray(["tools"]))),
      ("tokenizer.chat_template", .string("X")),
    ])
    for (name, value) in changes { metadata[GGMLMetadataTests.key + name] = value }
    return metadata
  }

  @Test func keysComeBackInTheirOrder() throws {
    let vocabulary = try #require(try GGMLVocabulary(metadata(), file: "m.gguf"))
    #expect(vocabulary.tokens == ["a", "b", "ab"])
    #expect(vocabulary.id(of: .eos) == 2)
    #expect(vocabulary.adds(.bos) == false)
    #expect(vocabulary.chatTemplates == [.init(name: "tools", "T"), .init("X")])
    #expect(
      GGUFMetadata(vocabulary.keys)
        == GGUFMetadata(metadata().dropFirst().map { ($0.key, $0.value) })
    )
    #expect(vocabulary.writtenKeys.count == vocabulary.keys.count)
  }

  @Test func ourOwnKeyComesLast() throws {
    var vocabulary = try #require(
      try GGMLVocabulary(metadata([("add_bos_token", nil)]), file: "m.gguf")
    )
    #expect(vocabulary.writtenKeys.count == vocabulary.keys.count)
    vocabulary.marksDocumentStart = true
    let last = try #require(vocabulary.writtenKeys.last)
    #expect(last.0 == "tokenizer.ggml.add_bos_token" && last.1 == .bool(true))
    #expect(vocabulary.writtenKeys.count == vocabulary.keys.count + 1)
  }

  @Test func aFileWithoutATokenizerHasNone() throws {
    #expect(try GGMLVocabulary(GGUFMetadata(), file: "m.gguf") == nil)
    #expect(try GGMLVocabulary(metadata([("model", .string("none"))]), file: "m.gguf") == nil)
  }

  /// A key, a value that does not belong there, and words of the error.
  struct Lie: Sendable {
    let key: String
    let value: GGUFValue?
    let words: [String]

    init(_ key: String, _ value: GGUFValue?, _ words: String...) {
      self.key = key
      self.value = value
      self.words = words
    }
  }

  static let lies = [
    Lie("model", .string("bert"), "bert", "gpt2, llama"),
    Lie("model", .uint32(1), "expected str, got u32"),
    Lie("pre", .bool(true), "expected str, got bool"),
    Lie("tokens", nil, "expected an array of str, got none"),
    Lie("tokens", .array(GGUFArray([Int32(1)])), "got an array of i32"),
    Lie("token_type", .array(GGUFArray([UInt32(1), 1, 1])), "array of i32, got an array of u32"),
    Lie("token_type", .array(GGUFArray([Int32(1), 1])), "each of the 3 tokens", "got 2"),
    Lie("token_type", .array(GGUFArray([Int32(1), 1, 9])), "token_type[2]", "got 9"),
    Lie("scores", .array(GGUFArray([Float(0), 0])), "each of the 3 tokens", "got 2"),
    Lie("scores", .array(GGUFArray([Double(0), 0, 0])), "array of f32, got an array of f64"),
    Lie("scores", .array(GGUFArray([Float(0), 0, .nan])), "scores[2]", "NaN"),
    Lie("merges", .array(GGUFArray(["a b", "ab"])), "merges[1]", "a space between"),
    Lie("merges", .string("a b"), "array of str, got str"),
    Lie("eos_token_id", .uint32(3), "one of the 3 tokens", "got 3"),
    Lie("eos_token_id", .uint32(.max), "4294967295"),
    Lie("eos_token_id", .int32(1), "expected u32, got i32"),
    Lie("add_bos_token", .uint8(1), "expected bool, got u8"),
    Lie("add_space_prefix", .string("no"), "expected bool, got str"),
  ]

  @Test(arguments: lies)
  func aLieIsRefusedByKey(lie: Lie) {
    let error = #expect(throws: TokenizationError.self) {
      _ = try GGMLVocabulary(metadata([(lie.key, lie.value)]), file: "m.gguf")
    }
    let text = error?.description ?? ""
    #expect(text.contains("m.gguf, tokenizer.ggml.\(lie.key)"), "\(text)")
    for words in lie.words { #expect(text.contains(words), "\(text)") }
  }

  static let oracles = [
    ("micro-qwen2moe-F32", "micro-qwen2moe", "qwen2_moe"),
    ("tiny-qwen2moe-BF16", "tiny-qwen2moe", "qwen2_moe"),
    ("tiny-mixtral-F32", "tiny-mixtral", "mixtral"),
    ("small-mixtral-Q4_K", "small-mixtral", "mixtral"),
  ]

  @Test(arguments: oracles)
  func keysEqualThoseOfConvert(file: String, model: String, type: String) throws {
    guard let path = Fixtures.shared("oracles/gguf/\(file).gguf"),
      let folder = Fixtures.shared("models/\(model)")
    else {
      print("SKIPPED: no \(file).gguf or \(model) in ../shared")
      return
    }
    let metadata = try GGUFReader(FilePath(path)).metadata
    let expected = GGUFMetadata(
      metadata.filter { $0.key.hasPrefix("tokenizer.") }.map { ($0.key, $0.value) }
    )
    let read = try #require(try GGMLVocabulary(metadata, file: path))
    #expect(GGUFMetadata(read.keys) == expected)

    let checkpoint = try Checkpoint(folder)
    let made = try #require(
      try GGMLVocabulary(
        modelType: type,
        vocabularySize: read.tokens.count,
        folder: folder,
        read: { try checkpoint.auxiliaryFile($0) }
      )
    )
    #expect(GGUFMetadata(made.keys) == expected)

    let files = try read.huggingFaceFiles(file: path)
    let again = try #require(
      try GGMLVocabulary(
        modelType: type,
        vocabularySize: read.tokens.count,
        folder: folder,
        read: { name in files.first { $0.name == name }?.contents }
      )
    )
    #expect(GGUFMetadata(again.keys) == expected)
  }
}
