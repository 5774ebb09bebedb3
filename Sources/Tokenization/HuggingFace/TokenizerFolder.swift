import JSON

/// The files of a Hugging Face folder that speak of its tokenizer.
struct TokenizerFolder {
  /// tokenizer.json.
  let tokenizer: JSONValue?
  /// tokenizer_config.json.
  let configuration: JSONValue?
  /// config.json.
  let model: JSONValue?
  /// special_tokens_map.json.
  let specialTokensMap: JSONValue?
  /// added_tokens.json.
  let addedTokens: JSONValue?
  /// The chat template that is a file of its own: chat_template.jinja or .json.
  let chatTemplate: String?
  /// tokenizer.model, SentencePiece's own file.
  let sentencePiece: SentencePieceModel?
  /// How to name a file in messages.
  let describe: (String) -> String

  /// Reads what is there.
  ///
  /// - Parameters:
  ///   - name: the folder, for messages.
  ///   - read: the contents of a file by name; nil if there is none.
  /// - Throws: what `read` throws, ``TokenizationError`` for a file that is no JSON.
  init(_ name: String, _ read: (String) throws -> [UInt8]?) throws {
    func describe(_ file: String) -> String { name.isEmpty ? file : "\(name)/\(file)" }
    func json(_ file: String) throws -> JSONValue? {
      guard let bytes = try read(file) else { return nil }
      do {
        return try JSONValue(parsing: bytes)
      } catch let error as JSONError {
        throw TokenizationError.malformed(
          file: describe(file),
          place: "the whole",
          expected: "JSON",
          got: error.description
        )
      }
    }
    self.describe = describe
    tokenizer = try json("tokenizer.json")
    configuration = try json("tokenizer_config.json")
    model = try json("config.json")
    specialTokensMap = try json("special_tokens_map.json")
    addedTokens = try json("added_tokens.json")
    if let text = try read("chat_template.jinja") {
      chatTemplate = String(decoding: text, as: UTF8.self)
    } else {
      chatTemplate = try json("chat_template.json")?["chat_template"]?.string
    }
    sentencePiece = try read("tokenizer.model").map {
      try SentencePieceModel(parsing: $0, file: describe("tokenizer.model"))
    }
  }

  /// The tokens that the configuration calls special, by text.
  var namedSpecialTokens: Set<String> {
    var names: Set<String> = []
    for file in [configuration, specialTokensMap] {
      guard let object = file?.object else { continue }
      for (key, value) in object.members where key.hasSuffix("_token") {
        if let text = TokenizerFolder.content(value) { names.insert(text) }
      }
      for key in ["additional_special_tokens", "extra_special_tokens"] {
        let values = object[key]?.array ?? object[key]?.object.map { Array($0.members.map(\.1)) }
        names.formUnion((values ?? []).compactMap(TokenizerFolder.content))
      }
    }
    return names
  }

  /// The tokens of `added_tokens_decoder` in tokenizer_config.json.
  var addedTokensDecoder: [(id: Int, content: String, isSpecial: Bool)] {
    (configuration?["added_tokens_decoder"]?.object?.members).map { members in
      members.compactMap { key, value in
        guard let id = Int(key), id >= 0, let content = value["content"]?.string else { return nil }
        return (id, content, value["special"]?.bool ?? false)
      }
    } ?? []
  }

  /// The text of a token, written as a string or as an object with `content`.
  static func content(_ value: JSONValue) -> String? { value.string ?? value["content"]?.string }
}
