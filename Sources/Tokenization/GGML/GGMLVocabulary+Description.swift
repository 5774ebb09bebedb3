extension TokenizerDescription {
  /// The tokenizer that llama.cpp makes of `vocabulary`.
  ///
  /// Ids are those of `llama_tokenize` with neither special tokens added nor special tokens read in the
  /// text (`add_special` and `parse_special` false): of all tokens only the user's own are recognised
  /// before the rest of the text is cut into words. No Unicode normalization is done.
  ///
  /// - Parameters:
  ///   - vocabulary: what the file says.
  ///   - file: its name, for messages.
  /// - Throws: ``TokenizationError`` naming the key at fault.
  package init(_ vocabulary: GGMLVocabulary, file: String) throws(TokenizationError) {
    let types = vocabulary.effectiveTypes()
    let texts = vocabulary.tokens.enumerated().map { index, text in
      text.isEmpty ? "[EMPTY_\(index)]" : text
    }
    var added: [AddedToken] = []
    var control: [Int32] = []
    for (index, type) in types.enumerated() {
      switch type {
      case .userDefined: added.append(AddedToken(id: Int32(index), content: texts[index]))
      case .control, .unknown: control.append(Int32(index))
      default: break
      }
    }
    let tokens = texts.enumerated().map { Token($0.element, id: Int32($0.offset)) }

    switch vocabulary.model {
    case .gpt2:
      let pre = try vocabulary.preTokenizer(file: file)
      let model = BytePair(
        merges: try vocabulary.parsedMerges(file: file),
        ignoreMerges: pre.ignoresMerges
      )
      self.init(
        file: file,
        model: .bytePair(model),
        vocabulary: tokens,
        addedTokens: added,
        preTokenizers: pre.patterns.map { .split(.regex($0), .isolated, invert: false) }
          + [.byteLevel(addPrefixSpace: false, useRegex: false)],
        decoders: [.byteLevel]
      )
    case .llama:
      let scores = vocabulary.scores ?? [Float](repeating: 0, count: tokens.count)
      let isPrefixed = vocabulary.addsSpacePrefix ?? true
      // A piece of text begins the whole or follows an added token: that is where llama.cpp puts it.
      self.init(
        file: file,
        model: .sentencePiece(SentencePiece(scores: scores)),
        vocabulary: tokens,
        addedTokens: added,
        normalizers: (isPrefixed ? [.prepend("\u{2581}")] : [])
          + [.replace(.string(" "), with: "\u{2581}")],
        decoders: [.replace(.string("\u{2581}"), with: " "), .byteFallback, .fuse]
          + (isPrefixed ? [.strip(content: " ", start: 1, stop: 0)] : [])
      )
    }
    addedTokenOrder = .longest
    controlTokens = control
  }
}

extension GGMLVocabulary {
  /// The pre-tokenizer the file names.
  ///
  /// - Throws: ``TokenizationError/unsupported(file:place:got:supported:)`` for a name not known.
  func preTokenizer(file: String) throws(TokenizationError) -> GGMLPreTokenizer {
    let name = pre.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
    if let known = GGMLPreTokenizer.named(name) { return known }
    throw .unsupported(
      file: file,
      place: "tokenizer.ggml.pre",
      got: "the pre-tokenizer \(quoted(name))",
      supported: GGMLPreTokenizer.names.joined(separator: ", ")
    )
  }

  /// The merges as pairs of tokens; of two merges of one pair the first counts.
  func parsedMerges(
    file: String
  ) throws(TokenizationError) -> [TokenizerDescription.Merge] {
    guard let merges else {
      throw .malformed(
        file: file,
        place: "tokenizer.ggml.merges",
        expected: "an array of strings",
        got: "none"
      )
    }
    var seen: Set<[UInt8]> = []
    var pairs: [TokenizerDescription.Merge] = []
    pairs.reserveCapacity(merges.count)
    for (index, merge) in merges.enumerated() {
      guard let pair = TokenizerDescription.Merge(ggml: merge) else {
        throw .malformed(
          file: file,
          place: "tokenizer.ggml.merges[\(index)]",
          expected: "two tokens with a space between",
          got: quoted(merge)
        )
      }
      if seen.insert(Array(merge.utf8)).inserted { pairs.append(pair) }
    }
    return pairs
  }

  /// What llama.cpp takes each token for: it overrides the file for some well-known names.
  func effectiveTypes() -> [TokenType] {
    var types = types ?? [TokenType](repeating: .normal, count: tokens.count)
    var ids: [String: Int] = [:]
    for (index, token) in tokens.enumerated() where WellKnownTokens.all.contains(token) {
      ids[token] = index
    }
    func set(_ names: Set<String>, _ type: TokenType) {
      for name in names { if let id = ids[name] { types[id] = type } }
    }
    set(WellKnownTokens.endOfGeneration, .control)
    for (role, names) in WellKnownTokens.infill where id(of: role) == nil {
      // Of several names llama.cpp takes one, whichever comes first in its hash table.
      set(names, .control)
    }
    set(WellKnownTokens.channels, .userDefined)
    func has(_ names: String...) -> Bool { names.allSatisfy { ids[$0] != nil } }
    let hasCall = has("<|call|>") || has("<|calls|>")
    if has("<|end|>"), hasCall, has("<|return|>") || has("<|flush|>") {
      set(["<|end|>"], .userDefined)
    }
    if has("<|tool_response>", "</s>") { set(["</s>"], .normal) }
    return types
  }
}

extension TokenizerDescription.Merge {
  /// The merge written as `text`: the first space that is not its first character lies between.
  init?(ggml text: String) {
    let bytes = Array(text.utf8)
    guard let space = bytes.dropFirst().firstIndex(of: 0x20), space + 1 < bytes.count else {
      return nil
    }
    self.init(
      String(decoding: bytes[..<space], as: UTF8.self),
      String(decoding: bytes[(space + 1)...], as: UTF8.self)
    )
  }
}

/// Tokens whose kind llama.cpp knows by their text.
private enum WellKnownTokens {
  /// Tokens that end what a model says.
  static let endOfGeneration: Set<String> = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
  ]

  /// Tokens around text to be filled in.
  static let infill: [(GGMLVocabulary.SpecialToken.Role, Set<String>)] = [
    (
      .fimPrefix,
      [
        "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
        "<|code_prefix|>", "<|prefix|>",
      ]
    ),
    (
      .fimSuffix,
      [
        "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
        "<|code_suffix|>", "<|suffix|>",
      ]
    ),
    (
      .fimMiddle,
      [
        "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
        "<|code_middle|>", "<|middle|>",
      ]
    ),
    (.fimPadding, ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"]),
    (.fimRepository, ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"]),
    (.fimSeparator, ["<|file_sep|>"]),
  ]

  /// Tokens that are always read in the text.
  static let channels: Set<String> = ["<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"]

  /// All of them.
  static let all = infill.reduce(endOfGeneration.union(channels)) { $0.union($1.1) }
}
