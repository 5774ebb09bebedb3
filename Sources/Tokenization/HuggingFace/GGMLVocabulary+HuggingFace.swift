import JSON

extension GGMLVocabulary {
  /// The vocabulary that `convert_hf_to_gguf` would write for a Hugging Face folder.
  ///
  /// It reads tokenizer.json, tokenizer_config.json, config.json, special_tokens_map.json,
  /// added_tokens.json, chat_template.jinja with additional_chat_templates, or chat_template.json, and
  /// tokenizer.model where they are there; nil if there is no tokenizer among them.
  ///
  /// - Parameters:
  ///   - modelType: `model_type` of config.json: Mixtral and its kin have a SentencePiece vocabulary.
  ///   - vocabularySize: rows of the embedding; ids without a token are padded.
  ///   - pre: the name of the pre-tokenizer, where the user gives it.
  ///   - folder: the folder's name, for messages.
  ///   - names: the names of the files in a folder inside it; none if there is no such folder.
  ///   - read: the contents of a file of the folder by name; nil if there is none.
  /// - Throws: ``TokenizationError`` naming file and key, what `names` and `read` throw.
  package init?(
    modelType: String,
    vocabularySize: Int?,
    pre: String? = nil,
    folder: String,
    names: (String) throws -> [String] = { _ in [] },
    read: (String) throws -> [UInt8]?
  ) throws {
    let folder = try TokenizerFolder(folder, names: names, read)
    let isLlama = ["mixtral", "llama", "mistral"].contains(modelType)
    let knowsSentencePiece = isLlama || ["deepseek", "phimoe"].contains(modelType)
    if knowsSentencePiece, let model = folder.sentencePiece {
      try self.init(model, folder, size: vocabularySize)
    } else if let json = folder.tokenizer {
      let description = try TokenizerDescription(
        json: json,
        file: folder.describe("tokenizer.json")
      )
      guard case .bytePair(let pairs) = description.model else { return nil }
      if isLlama, pairs.byteFallback, json["decoder"]?["type"]?.string == "Sequence" {
        try self.init(unscored: description, folder, size: vocabularySize)
      } else {
        try self.init(byteLevel: description, pairs, folder, size: vocabularySize)
        self.pre = try folder.preTokenizerName(description, modelType: modelType, override: pre)
      }
    } else {
      return nil
    }

    let special = SpecialVocabulary(folder, tokenCount: tokens.count)
    specialTokens = special.tokens
    additions = special.additions
    chatTemplates = special.chatTemplates
    if isLlama { addsSpacePrefix = folder.configuration?["add_prefix_space"]?.bool }
    marksDocumentStart = (folder.configuration?["bos_token"]).map { !$0.isNull } ?? false
    restore(folder.configuration?[GGMLVocabulary.extraKey])
  }

  /// The key of tokenizer_config.json under which a folder made from a GGUF file keeps what other
  /// files of the folder cannot say.
  static let extraKey = "gguf"

  private mutating func restore(_ extra: JSONValue?) {
    for role in SpecialToken.Role.allCases where id(of: role) == nil {
      if let id = extra?["\(role.rawValue)_token_id"]?.integer, tokens.indices.contains(id) {
        specialTokens.append(SpecialToken(role, Int32(id)))
      }
    }
  }

  // MARK: - The three ways

  /// Byte-level pairs, padded to the rows of the embedding.
  private init(
    byteLevel description: TokenizerDescription,
    _ pairs: TokenizerDescription.BytePair,
    _ folder: TokenizerFolder,
    size: Int?
  ) throws {
    let size = try description.tokenCount(atMost: size)
    var tokens: [String?] = Array(repeating: nil, count: size)
    var types = [TokenType](repeating: .unused, count: size)
    for token in description.vocabulary {
      tokens[Int(token.id)] = token.text
      types[Int(token.id)] = .normal
    }
    let special = folder.namedSpecialTokens
    let tokenizer = try Tokenizer(description)
    for token in description.addedTokens {
      var text = token.content
      // llama.cpp looks for them as they are, so they are written as they come out again.
      if !token.normalized { text = try tokenizer.decode(try tokenizer.encode(text)) }
      let isControl =
        token.special || special.contains(token.content) || GGMLVocabulary.looksSpecial(text)
      if !isControl { text = text.replacing("\u{2581}", with: " ") }
      tokens[Int(token.id)] = text
      types[Int(token.id)] = isControl ? .control : .userDefined
    }
    self.init(model: .gpt2, pre: nil, tokens: GGMLVocabulary.padded(tokens))
    self.types = types
    merges = pairs.merges.map { merge in
      // A space within a part would cut the line elsewhere.
      [merge.left, merge.right].map { $0.replacing(" ", with: "\u{120}") }.joined(separator: " ")
    }
  }

  /// SentencePiece's own file, with what the folder adds to it.
  ///
  /// Added tokens beyond the rows of the embedding are left out, as `convert_hf_to_gguf` does, and
  /// noted; pieces beyond them are refused.
  private init(_ model: SentencePieceModel, _ folder: TokenizerFolder, size: Int?) throws {
    let added = try folder.addedTokenIDs()
    let ids = added.map(\.id) + folder.addedTokensDecoder.map(\.id)
    let size = size ?? max(model.pieces.count, (ids.max() ?? -1) + 1)
    if model.pieces.count > size {
      throw TokenizationError.vocabularyTooLarge(
        file: folder.describe("tokenizer.model"),
        token: model.pieces[size].text,
        id: size,
        rows: size
      )
    }
    var leftOut: [String] = []
    var tokens: [String?] = Array(repeating: nil, count: size)
    var scores = [Float](repeating: -10_000, count: size)
    var types = [TokenType](repeating: .unused, count: size)
    for (id, piece) in model.pieces.enumerated() {
      tokens[id] = piece.text
      scores[id] = piece.score
      types[id] = piece.type == .userDefined ? .normal : piece.type
    }
    func set(_ id: Int, _ text: String, _ type: TokenType) {
      guard id < size else {
        if !leftOut.contains(text) { leftOut.append(text) }
        return
      }
      tokens[id] = text
      scores[id] = -1000
      types[id] = type
    }
    for (text, id) in added {
      set(id, text, .userDefined)
    }
    for token in folder.addedTokensDecoder {
      if token.isSpecial || GGMLVocabulary.looksSpecial(token.content) {
        set(token.id, token.content, .control)
      } else {
        set(token.id, token.content.replacing("\u{2581}", with: " "), .userDefined)
      }
    }
    self.init(model: .llama, pre: "default", tokens: GGMLVocabulary.padded(tokens))
    tokensLeftOut = leftOut
    self.scores = scores
    self.types = types
  }

  /// A tokenizer.json with byte fallback, which gives no scores.
  ///
  /// `convert_hf_to_gguf` does not pad these; a file with fewer tokens than rows would not load.
  private init(
    unscored description: TokenizerDescription,
    _ folder: TokenizerFolder,
    size: Int?
  ) throws {
    let size = try description.tokenCount(atMost: size)
    var tokens: [String?] = Array(repeating: nil, count: size)
    var types = [TokenType](repeating: .unused, count: size)
    let special = folder.namedSpecialTokens
    for token in description.vocabulary {
      tokens[Int(token.id)] = token.text
      types[Int(token.id)] =
        ByteTokens.byte(of: Array(token.text.utf8)) != nil
        ? .byte : special.contains(token.text) ? .control : .normal
    }
    for token in description.addedTokens where tokens[Int(token.id)] == nil {
      tokens[Int(token.id)] = token.content
      types[Int(token.id)] = special.contains(token.content) ? .control : .userDefined
    }
    self.init(model: .llama, pre: "default", tokens: GGMLVocabulary.padded(tokens))
    scores = [Float](repeating: -1000, count: size)
    self.types = types
  }

  // MARK: - Tokens

  private static func padded(_ tokens: [String?]) -> [String] {
    tokens.enumerated().map { $0.element ?? padding($0.offset) }
  }

  /// The token that stands for an id without one.
  static func padding(_ id: Int) -> String { "[PAD\(id)]" }

  /// Whether a token is surely meant to control the model, though nothing marks it so.
  static func looksSpecial(_ text: String) -> Bool {
    ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(text)
      || (text.hasPrefix("<|") && text.hasSuffix("|>"))
      || (text.hasPrefix("<｜") && text.hasSuffix("｜>"))
      || (text.hasPrefix("<unused") && text.hasSuffix(">"))
  }
}

extension TokenizerDescription {
  /// Rows of the embedding, or where that is not known one more than the last id.
  ///
  /// - Throws: ``TokenizationError/vocabularyTooLarge(file:token:id:rows:)``.
  fileprivate func tokenCount(atMost rows: Int?) throws(TokenizationError) -> Int {
    try checkTokens()
    if let rows {
      try check(vocabularySize: rows)
      return rows
    }
    return (vocabulary.map(\.id) + addedTokens.map(\.id)).max().map { Int($0) + 1 } ?? 0
  }
}
