package import GGUF
package import Tokenization

extension GGMLVocabulary {
  /// Reads the keys `tokenizer.*` of a GGUF file; nil if it holds no tokenizer.
  ///
  /// - Parameters:
  ///   - metadata: the file's keys.
  ///   - file: its name, for messages.
  /// - Throws: ``TokenizationError`` naming the key, what belongs there and what was found.
  package init?(_ metadata: GGUFMetadata, file: String) throws(TokenizationError) {
    let place = MetadataPlace(metadata: metadata, file: file)
    guard let kind = try place.string(Key.model), kind != "none", kind != "no_vocab" else {
      return nil
    }
    guard let model = Model(rawValue: kind) else {
      throw .unsupported(
        file: file,
        place: Key.model,
        got: "the tokenizer model \"\(kind)\"",
        supported: Model.allCases.map(\.rawValue).joined(separator: ", ")
      )
    }
    guard let tokens = try place.strings(Key.tokens) else {
      throw place.wrong(Key.tokens, expected: "an array of str", got: "none")
    }
    guard tokens.count <= Int(Int32.max) else {
      throw place.wrong(
        Key.tokens,
        expected: "ids up to \(Int32.max)",
        got: "\(tokens.count) tokens"
      )
    }
    self.init(model: model, pre: try place.string(Key.pre), tokens: tokens)
    scores = try place.scores(count: tokens.count)
    types = try place.types(count: tokens.count)
    merges = try place.strings(Key.merges)
    if let merges, let index = merges.firstIndex(where: { !GGMLVocabulary.isMerge($0) }) {
      throw place.wrong(
        "\(Key.merges)[\(index)]",
        expected: "two tokens with a space between",
        got: "a string without one"
      )
    }
    for (key, value) in metadata {
      if let role = Key.roles[key] {
        let id = try place.id(key, value, below: tokens.count)
        specialTokens.append(SpecialToken(role, id))
      } else if let kind = Key.additions[key] {
        additions.append(Addition(kind, try place.bool(key, value)))
      } else if key == Key.addsSpacePrefix {
        addsSpacePrefix = try place.bool(key, value)
      } else if key == Key.chatTemplate || key.hasPrefix(Key.chatTemplate + ".") {
        guard let text = value.string else {
          throw place.wrong(key, expected: "str", got: value.kind)
        }
        let name = key.dropFirst(Key.chatTemplate.count + 1)
        chatTemplates.append(ChatTemplate(name: name.isEmpty ? nil : String(name), text))
      }
    }
  }

  /// The keys in the order and with the types that `convert_hf_to_gguf` gives them.
  package var keys: [(String, GGUFValue)] {
    var keys: [(String, GGUFValue)] = [(Key.model, .string(model.rawValue))]
    if let pre { keys.append((Key.pre, .string(pre))) }
    keys.append((Key.tokens, .array(GGUFArray(tokens))))
    if let scores { keys.append((Key.scores, .array(GGUFArray(scores)))) }
    if let types { keys.append((Key.types, .array(GGUFArray(types.map(\.rawValue))))) }
    if let merges { keys.append((Key.merges, .array(GGUFArray(merges)))) }
    for token in specialTokens {
      keys.append((token.role.key, .uint32(UInt32(bitPattern: token.id))))
    }
    for addition in additions { keys.append((addition.kind.key, .bool(addition.isOn))) }
    let named = chatTemplates.compactMap { template in template.name.map { ($0, template.text) } }
    for (name, text) in named { keys.append(("\(Key.chatTemplate).\(name)", .string(text))) }
    if !named.isEmpty { keys.append((Key.chatTemplates, .array(GGUFArray(named.map(\.0))))) }
    if let template = chatTemplates.first(where: { $0.name == nil }) {
      keys.append((Key.chatTemplate, .string(template.text)))
    }
    if let addsSpacePrefix { keys.append((Key.addsSpacePrefix, .bool(addsSpacePrefix))) }
    return keys
  }

  /// ``keys``, and last `add_bos_token` where nothing else says whether documents start with the bos
  /// token: what our writer puts into a file.
  ///
  /// That is all it differs by from `convert_hf_to_gguf`, which leaves the key out. It is true where
  /// the Hugging Face folder has a `bos_token`, and false where it has none but llama.cpp would take
  /// one of its own accord.
  package var writtenKeys: [(String, GGUFValue)] {
    guard adds(.bos) == nil, marksDocumentStart || startsWithBOSInLlamaCpp else { return keys }
    return keys + [(Addition.Kind.bos.key, .bool(marksDocumentStart))]
  }

  private static func isMerge(_ merge: String) -> Bool {
    let bytes = merge.utf8
    guard let space = bytes.dropFirst().firstIndex(of: 0x20) else { return false }
    return bytes.index(after: space) < bytes.endIndex
  }

  fileprivate enum Key {
    static let model = "tokenizer.ggml.model"
    static let pre = "tokenizer.ggml.pre"
    static let tokens = "tokenizer.ggml.tokens"
    static let types = "tokenizer.ggml.token_type"
    static let scores = "tokenizer.ggml.scores"
    static let merges = "tokenizer.ggml.merges"
    static let addsSpacePrefix = "tokenizer.ggml.add_space_prefix"
    static let chatTemplate = "tokenizer.chat_template"
    static let chatTemplates = "tokenizer.chat_templates"
    static let roles = Dictionary(
      uniqueKeysWithValues: SpecialToken.Role.allCases.map { ($0.key, $0) }
    )
    static let additions = Dictionary(
      uniqueKeysWithValues: Addition.Kind.allCases.map { ($0.key, $0) }
    )
  }
}

/// Metadata with the file's name, so that errors can give both.
private struct MetadataPlace {
  let metadata: GGUFMetadata
  let file: String

  func string(_ key: String) throws(TokenizationError) -> String? {
    guard let value = metadata[key] else { return nil }
    guard let string = value.string else { throw wrong(key, expected: "str", got: value.kind) }
    return string
  }

  func strings(_ key: String) throws(TokenizationError) -> [String]? {
    guard let value = metadata[key] else { return nil }
    guard let strings = value.array?.strings else {
      throw wrong(key, expected: "an array of str", got: value.kind)
    }
    return strings
  }

  func scores(count: Int) throws(TokenizationError) -> [Float]? {
    let key = GGMLVocabulary.Key.scores
    guard let value = metadata[key] else { return nil }
    guard let scores = value.array?.floats else {
      throw wrong(key, expected: "an array of f32", got: value.kind)
    }
    try check(key, scores.count, count)
    if let index = scores.firstIndex(where: \.isNaN) {
      throw wrong("\(key)[\(index)]", expected: "a number", got: "NaN")
    }
    return scores
  }

  func types(count: Int) throws(TokenizationError) -> [GGMLVocabulary.TokenType]? {
    let key = GGMLVocabulary.Key.types
    guard let value = metadata[key] else { return nil }
    guard let array = value.array, array.elementType == .int32, let numbers = array.integers else {
      throw wrong(key, expected: "an array of i32", got: value.kind)
    }
    try check(key, numbers.count, count)
    var types: [GGMLVocabulary.TokenType] = []
    types.reserveCapacity(count)
    for (index, number) in numbers.enumerated() {
      guard let type = Int32(exactly: number).flatMap(GGMLVocabulary.TokenType.init(rawValue:))
      else { throw wrong("\(key)[\(index)]", expected: "0 to 6", got: "\(number)") }
      types.append(type)
    }
    return types
  }

  func id(_ key: String, _ value: GGUFValue, below count: Int) throws(TokenizationError) -> Int32 {
    guard case .uint32(let id) = value else { throw wrong(key, expected: "u32", got: value.kind) }
    guard Int(id) < count, let id = Int32(exactly: id) else {
      throw wrong(key, expected: "the id of one of the \(count) tokens", got: "\(id)")
    }
    return id
  }

  func bool(_ key: String, _ value: GGUFValue) throws(TokenizationError) -> Bool {
    guard let bool = value.bool else { throw wrong(key, expected: "bool", got: value.kind) }
    return bool
  }

  func wrong(_ key: String, expected: String, got: String) -> TokenizationError {
    .malformed(file: file, place: key, expected: expected, got: got)
  }

  private func check(_ key: String, _ count: Int, _ tokens: Int) throws(TokenizationError) {
    if count != tokens {
      throw wrong(key, expected: "one for each of the \(tokens) tokens", got: "\(count)")
    }
  }
}

extension GGUFValue {
  /// Its type, for messages.
  fileprivate var kind: String {
    array.map { "an array of \($0.elementType.name)" } ?? type.name
  }
}
