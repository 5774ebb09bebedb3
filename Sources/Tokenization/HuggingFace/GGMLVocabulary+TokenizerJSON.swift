import JSON

/// tokenizer.json, made of what a GGUF says.
extension GGMLVocabulary {
  /// The whole file.
  func tokenizerJSON(file: String) throws(TokenizationError) -> JSONValue {
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

  /// Whether a token is recognised, or left out of text, beside the vocabulary.
  func isAdded(_ index: Int) -> Bool {
    switch type(of: index) {
    case .control, .unknown, .userDefined: true
    default: false
    }
  }

  /// A token as `added_tokens` lists it.
  func addedToken(_ index: Int) -> JSONValue {
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
}
