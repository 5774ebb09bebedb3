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
  /// Chat templates in files of their own, as `chat_template` of tokenizer_config.json has them: a
  /// string, or a list of objects with name and template.
  let chatTemplate: JSONValue?
  /// tokenizer.model, SentencePiece's own file.
  let sentencePiece: SentencePieceModel?
  /// How to name a file in messages.
  let describe: (String) -> String

  /// Reads what is there.
  ///
  /// - Parameters:
  ///   - name: the folder, for messages.
  ///   - names: the names of the files in a folder inside it; none if there is no such folder.
  ///   - read: the contents of a file by name; nil if there is none.
  /// - Throws: what `names` and `read` throw, ``TokenizationError`` for a file that is no JSON.
  init(
    _ name: String,
    names: (String) throws -> [String],
    _ read: (String) throws -> [UInt8]?
  ) throws {
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
      chatTemplate = try TokenizerFolder.chatTemplates(besides: text, names: names, read)
    } else {
      chatTemplate = try json("chat_template.json")?["chat_template"]
    }
    sentencePiece = try read("tokenizer.model").map {
      try SentencePieceModel(parsing: $0, file: describe("tokenizer.model"))
    }
  }

  /// The template of chat_template.jinja, as the default beside those of additional_chat_templates
  /// if there are any: `tool_use.jinja` there is the template called `tool_use`.
  private static func chatTemplates(
    besides text: [UInt8],
    names: (String) throws -> [String],
    _ read: (String) throws -> [UInt8]?
  ) throws -> JSONValue {
    let folder = "additional_chat_templates"
    let text = JSONValue.string(String(decoding: text, as: UTF8.self))
    var list: [JSONValue] = [["name": "default", "template": text]]
    for name in try names(folder).sorted() where name.hasSuffix(".jinja") {
      guard let other = try read("\(folder)/\(name)") else { continue }
      list.append([
        "name": .string(String(name.dropLast(6))),
        "template": .string(String(decoding: other, as: UTF8.self)),
      ])
    }
    return list.count > 1 ? .array(list) : text
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

  /// The tokens of added_tokens.json with their ids.
  ///
  /// - Throws: ``TokenizationError/malformed(file:place:expected:got:)`` for an id below zero; what is
  ///   no whole number is left out, as `convert_hf_to_gguf` would stop there.
  func addedTokenIDs() throws(TokenizationError) -> [(text: String, id: Int)] {
    var list: [(text: String, id: Int)] = []
    for (text, value) in addedTokens?.object?.members ?? JSONObject().members {
      guard let id = value.integer else { continue }
      guard id >= 0 else {
        throw .malformed(
          file: describe("added_tokens.json"),
          place: quoted(text),
          expected: "an id from 0 up",
          got: "\(id)"
        )
      }
      list.append((text, id))
    }
    return list
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
