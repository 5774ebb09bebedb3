import JSON

extension GGMLVocabulary {
  /// The files that give a Hugging Face folder this tokenizer, by name: tokenizer.json,
  /// tokenizer_config.json, and tokenizer.model where the vocabulary has scores of its own.
  ///
  /// Made into a GGUF again, they give the same keys. They say what llama.cpp does, not what the model
  /// was published with, which the GGUF does not tell:
  /// - There is no normalizer. If the model's own tokenizer normalized (Qwen's composes characters,
  ///   NFC), text that is not normalized gets other ids than there, and the same as in llama.cpp.
  /// - Of a byte-level model the pre-tokenizer has llama.cpp's patterns; the ids are the same.
  /// - Merges of a SentencePiece vocabulary follow from its scores, as transformers converts one. Where
  ///   all scores are equal, as in a GGUF made from a tokenizer.json, they only approximate them.
  ///
  /// What has no place in these files stands in tokenizer_config.json under `gguf`.
  ///
  /// - Parameter file: the GGUF file's name, for messages.
  /// - Throws: ``TokenizationError`` naming the key at fault.
  package func huggingFaceFiles(
    file: String
  ) throws(TokenizationError) -> [(name: String, contents: [UInt8])] {
    var files = [
      ("tokenizer.json", Array(try tokenizerJSON(file: file).text(pretty: true).utf8)),
      ("tokenizer_config.json", Array((configurationJSON.text(pretty: true) + "\n").utf8)),
    ]
    if let scores, model == .llama, Set(scores).count > 1 {
      files.append(("tokenizer.model", sentencePieceModel(scores)))
    }
    return files
  }

  private var isPrefixed: Bool { addsSpacePrefix ?? true }

  private func type(of index: Int) -> TokenType { types?[index] ?? .normal }

  /// Whether the token only stands for an id that has none.
  private func isPadding(_ index: Int) -> Bool {
    type(of: index) == .unused && tokens[index] == GGMLVocabulary.padding(index)
  }

  // MARK: - tokenizer.json

  private func tokenizerJSON(file: String) throws(TokenizationError) -> JSONValue {
    var vocabulary = JSONObject()
    // What is only an added token is put behind the vocabulary by its readers.
    let end =
      model == .llama
      ? 1 + (tokens.indices.last { !isAdded($0) && !isPadding($0) } ?? -1) : tokens.count
    for index in tokens.indices.prefix(end) where !isPadding(index) {
      guard vocabulary[tokens[index]] == nil else {
        throw .malformed(
          file: file,
          place: "tokenizer.ggml.tokens[\(index)]",
          expected: "every token once",
          got: "\(quoted(tokens[index])) twice"
        )
      }
      vocabulary[tokens[index]] = JSONValue(index)
    }
    let (pairs, steps) =
      model == .gpt2 ? try byteLevelParts(file: file) : scoredParts()
    var model: JSONObject = [
      "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
      "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
    ]
    if self.model == .llama {
      model["unk_token"] = JSONValue(unknownToken)
      model["fuse_unk"] = true
      model["byte_fallback"] = true
    } else {
      model["ignore_merges"] = .bool(try preTokenizer(file: file).ignoresMerges)
    }
    model["vocab"] = .object(vocabulary)
    model["merges"] = .array(pairs.map { [.string($0.left), .string($0.right)] })

    var root: JSONObject = ["version": "1.0", "truncation": nil, "padding": nil]
    root["added_tokens"] = .array(tokens.indices.filter(isAdded).map(addedToken))
    root["normalizer"] = steps.normalizer
    root["pre_tokenizer"] = steps.preTokenizer
    root["post_processor"] = postProcessor
    root["decoder"] = steps.decoder
    root["model"] = .object(model)
    return .object(root)
  }

  private struct Steps {
    var normalizer: JSONValue = nil
    var preTokenizer: JSONValue = nil
    var decoder: JSONValue
  }

  private func byteLevelParts(
    file: String
  ) throws(TokenizationError) -> ([TokenizerDescription.Merge], Steps) {
    let splits = try preTokenizer(file: file).patterns.map { pattern -> JSONValue in
      [
        "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
        "invert": false,
      ]
    }
    func byteLevel(useRegex: Bool) -> JSONValue {
      [
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": .bool(useRegex),
      ]
    }
    let steps = Steps(
      preTokenizer: [
        "type": "Sequence", "pretokenizers": .array(splits + [byteLevel(useRegex: false)]),
      ],
      decoder: byteLevel(useRegex: true)
    )
    return (try parsedMerges(file: file), steps)
  }

  private func scoredParts() -> ([TokenizerDescription.Merge], Steps) {
    let scores = scores ?? [Float](repeating: 0, count: tokens.count)
    let skipped = tokens.indices.filter { isAdded($0) || type(of: $0) == .byte || isPadding($0) }
    let space: JSONValue = ["String": " "]
    let mark: JSONValue = ["String": "\u{2581}"]
    var normalizers: [JSONValue] = [
      ["type": "Replace", "pattern": space, "content": "\u{2581}"]
    ]
    var decoders: [JSONValue] = [
      ["type": "Replace", "pattern": mark, "content": " "], ["type": "ByteFallback"],
      ["type": "Fuse"],
    ]
    if isPrefixed {
      normalizers.insert(["type": "Prepend", "prepend": "\u{2581}"], at: 0)
      decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0])
    }
    let steps = Steps(
      normalizer: ["type": "Sequence", "normalizers": .array(normalizers)],
      decoder: ["type": "Sequence", "decoders": .array(decoders)]
    )
    return (ScoredMerges.merges(tokens, scores: scores, skipped: Set(skipped)), steps)
  }

  private var unknownToken: String? {
    let id = id(of: .unknown).map(Int.init) ?? tokens.indices.first { type(of: $0) == .unknown }
    return id.map { tokens[$0] }
  }

  private func isAdded(_ index: Int) -> Bool {
    switch type(of: index) {
    case .control, .unknown, .userDefined: true
    default: false
    }
  }

  private func addedToken(_ index: Int) -> JSONValue {
    [
      "id": JSONValue(index), "content": .string(tokens[index]), "single_word": false,
      "lstrip": false, "rstrip": false, "normalized": false,
      "special": .bool(type(of: index) != .userDefined),
    ]
  }

  /// What puts the bos and eos tokens around a text, where the file says that they are.
  private var postProcessor: JSONValue {
    func token(_ kind: Addition.Kind, _ role: SpecialToken.Role) -> (String, Int)? {
      guard adds(kind) == true, let id = id(of: role) else { return nil }
      return (tokens[Int(id)], Int(id))
    }
    let bos = token(.bos, .bos)
    let eos = token(.eos, .eos)
    if bos == nil, eos == nil { return nil }
    func special(_ token: (text: String, id: Int)?) -> [JSONValue] {
      token.map { [["SpecialToken": ["id": .string($0.text), "type_id": 0]]] } ?? []
    }
    func sequence(_ name: String, _ type: Int) -> JSONValue {
      ["Sequence": ["id": .string(name), "type_id": JSONValue(type)]]
    }
    var named = JSONObject()
    for token in [bos, eos].compactMap({ $0 }) {
      named[token.0] = [
        "id": .string(token.0), "ids": [JSONValue(token.1)], "tokens": [.string(token.0)],
      ]
    }
    return [
      "type": "TemplateProcessing",
      "single": .array(special(bos) + [sequence("A", 0)] + special(eos)),
      "pair": .array(special(bos) + [sequence("A", 0), sequence("B", 1)] + special(eos)),
      "special_tokens": .object(named),
    ]
  }

  // MARK: - Other files

  private static let names: [(SpecialToken.Role, String)] = [
    (.bos, "bos"), (.eos, "eos"), (.unknown, "unk"), (.separator, "sep"), (.padding, "pad"),
    (.mask, "mask"),
  ]

  private var configurationJSON: JSONValue {
    var root: JSONObject = ["tokenizer_class": "PreTrainedTokenizerFast"]
    var extra = JSONObject()
    if model == .gpt2, let pre { extra["pre"] = .string(pre) }
    var named: Set<Int> = []
    for (role, name) in GGMLVocabulary.names {
      guard let id = id(of: role).map(Int.init) else {
        if ["bos", "eos", "unk"].contains(name) { root["\(name)_token"] = .null }
        continue
      }
      named.insert(id)
      root["\(name)_token"] = .string(tokens[id])
      if !isAdded(id) { extra["\(role.rawValue)_token_id"] = JSONValue(id) }
    }
    for token in specialTokens
    where !GGMLVocabulary.names.contains(where: { $0.0 == token.role }) {
      extra["\(token.role.rawValue)_token_id"] = JSONValue(Int(token.id))
    }
    for addition in additions {
      root["add_\(addition.kind.rawValue)_token"] = .bool(addition.isOn)
    }
    if model == .llama {
      let others = tokens.indices.filter {
        (type(of: $0) == .control || type(of: $0) == .unknown) && !named.contains($0)
      }
      if !others.isEmpty {
        root["additional_special_tokens"] = .array(others.map { .string(tokens[$0]) })
      }
      var decoder = JSONObject()
      for index in tokens.indices where isAdded(index) {
        guard case .object(var token) = addedToken(index) else { continue }
        token["id"] = nil
        decoder[String(index)] = .object(token)
      }
      root["added_tokens_decoder"] = .object(decoder)
      if let addsSpacePrefix { root["add_prefix_space"] = .bool(addsSpacePrefix) }
    }
    root["clean_up_tokenization_spaces"] = false
    if chatTemplates.contains(where: { $0.name != nil }) {
      root["chat_template"] = .array(
        chatTemplates.map {
          ["name": .string($0.name ?? "default"), "template": .string($0.text)]
        }
      )
    } else if let template = chatTemplates.first {
      root["chat_template"] = .string(template.text)
    }
    if extra.count > 0 { root[GGMLVocabulary.extraKey] = .object(extra) }
    return .object(root)
  }

  private func sentencePieceModel(_ scores: [Float]) -> [UInt8] {
    let unknown = id(of: .unknown).map(Int.init)
    let end = 1 + (tokens.indices.last { !isPadding($0) } ?? -1)
    let pieces = tokens.indices.prefix(end).map { index in
      SentencePieceModel.Piece(
        text: tokens[index],
        score: scores[index],
        type: index == unknown
          ? .unknown : type(of: index) == .undefined ? .normal : type(of: index)
      )
    }
    return SentencePieceModel(pieces).bytes(addsPrefix: isPrefixed)
  }
}
