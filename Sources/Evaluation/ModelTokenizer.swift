package import Checkpoint
internal import JSON
internal import SystemPackage
package import Tokenization

/// A model's own tokenizer with the tokens that frame a document.
package struct ModelTokenizer: Sendable {
  /// The tokenizer of the model's `tokenizer.json` or GGUF keys.
  package let tokenizer: Tokenizer
  /// The token a document starts with; nil if none.
  package let bos: Int32?
  /// The token a document ends with; nil if none.
  package let eos: Int32?

  /// Reads `tokenizer.json` and the special tokens of `checkpoint`.
  ///
  /// bos is `bos_token` of tokenizer_config.json; eos is `eos_token` there, else `eos_token_id` of
  /// generation_config.json or config.json (the first, if a list).
  ///
  /// Of a GGUF file: bos only if `tokenizer.ggml.add_bos_token` is true, eos by its key.
  package init(_ checkpoint: Checkpoint) throws {
    if checkpoint.ggufContents != nil {
      let path = checkpoint.location.path.string
      guard let vocabulary = try checkpoint.ggmlVocabulary() else {
        throw EvaluationError.noTokenizer(model: path)
      }
      self = try ModelTokenizer(vocabulary: vocabulary, file: path)
      if let size = checkpoint.configuration?.vocabularySize {
        try tokenizer.description.check(vocabularySize: size)
      }
      return
    }
    let name = checkpoint.describe("tokenizer.json")
    guard let bytes = try checkpoint.auxiliaryFile("tokenizer.json") else {
      throw EvaluationError.noTokenizer(model: checkpoint.location.path.string)
    }
    let description = try TokenizerDescription(
      json: try ModelTokenizer.parse(bytes, name),
      file: name
    )
    if let size = checkpoint.configuration?.vocabularySize {
      try description.check(vocabularySize: size)
    }
    tokenizer = try Tokenizer(description)

    let configurationName = "tokenizer_config.json"
    let described = checkpoint.describe(configurationName)
    let configuration = try checkpoint.auxiliaryFile(configurationName).map {
      try ModelTokenizer.parse($0, described)
    }
    bos = try ModelTokenizer.special("bos_token", configuration, tokenizer, described)
    if let id = try ModelTokenizer.special("eos_token", configuration, tokenizer, described) {
      eos = id
      return
    }
    for name in ["generation_config.json", "config.json"] {
      guard let bytes = try checkpoint.auxiliaryFile(name) else { continue }
      let value = try ModelTokenizer.parse(bytes, checkpoint.describe(name))["eos_token_id"]
      if let id = value?.integer ?? value?.array?.first?.integer {
        eos = Int32(exactly: id)
        return
      }
    }
    eos = nil
  }

  /// The tokenizer of a GGUF file.
  ///
  /// Ids are llama.cpp's. bos is the file's bos token only if `tokenizer.ggml.add_bos_token` is true;
  /// eos is `tokenizer.ggml.eos_token_id`.
  ///
  /// - Parameters:
  ///   - vocabulary: what the file says.
  ///   - file: its name, for messages.
  /// - Throws: `TokenizationError` naming the key at fault.
  package init(vocabulary: GGMLVocabulary, file: String) throws {
    tokenizer = try Tokenizer(TokenizerDescription(vocabulary, file: file))
    bos = vocabulary.adds(.bos) == true ? vocabulary.id(of: .bos) : nil
    eos = vocabulary.id(of: .eos)
  }

  private static func parse(_ bytes: [UInt8], _ name: String) throws -> JSONValue {
    do { return try JSONValue(parsing: bytes) } catch let error as JSONError {
      throw CheckpointError.malformedFile(file: name, reason: error.description)
    }
  }

  private static func special(
    _ key: String,
    _ json: JSONValue?,
    _ tokenizer: Tokenizer,
    _ file: String
  ) throws -> Int32? {
    guard let value = json?[key], let token = value.string ?? value["content"]?.string else {
      return nil
    }
    let description = tokenizer.description
    func isWanted(_ text: String) -> Bool { text.utf8.elementsEqual(token.utf8) }
    let added = description.addedTokens.first { isWanted($0.content) }?.id
    guard let id = added ?? description.vocabulary.first(where: { isWanted($0.text) })?.id else {
      throw EvaluationError.unknownSpecialToken(file: file, key: key, token: token)
    }
    return id
  }
}
