package import JSON

extension TokenizerDescription {
  /// Reads the contents of a Hugging Face `tokenizer.json`.
  ///
  /// Post-processors, truncation and padding are left aside: they concern what is put around a
  /// text, not the ids of the text itself. What the parts say of one another, as merges of the
  /// vocabulary, is looked at by ``check()`` and ``Tokenizer``.
  ///
  /// - Parameters:
  ///   - json: the parsed file.
  ///   - file: its name, for messages.
  /// - Throws: ``TokenizationError`` naming the key at fault.
  package init(json: JSONValue, file: String) throws(TokenizationError) {
    let root = JSONPlace(value: json, path: "", file: file)
    let model = try root.required("model")
    try TokenizerDescription.checkModelKind(model)
    let vocabulary = try TokenizerDescription.vocabulary(model.required("vocab"))
    self.init(
      file: file,
      model: .bytePair(try TokenizerDescription.bytePair(model)),
      vocabulary: vocabulary,
      addedTokens: try TokenizerDescription.addedTokens(root),
      normalizers: try root.optional("normalizer")?.normalizers() ?? [],
      preTokenizers: try root.optional("pre_tokenizer")?.preTokenizers() ?? [],
      decoders: try root.optional("decoder")?.decoders()
    )
  }

  // MARK: - The model

  private static func checkModelKind(_ model: JSONPlace) throws(TokenizationError) {
    let kind = try model.optional("type")?.string()
    guard kind == "BPE" || (kind == nil && model.value["merges"] != nil) else {
      throw model.unsupported(
        "the model \(quoted(kind ?? "without a type"))",
        supported: "BPE",
        key: "type"
      )
    }
    if let dropout = model.value["dropout"]?.double, dropout > 0 {
      throw model.unsupported("dropout, which is random,", supported: "null", key: "dropout")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = try model.optional(key)?.string(), !affix.isEmpty {
        throw model.unsupported(quoted(affix), supported: "null and \"\"", key: key)
      }
    }
  }

  private static func vocabulary(_ place: JSONPlace) throws(TokenizationError) -> [Token] {
    guard let members = place.value.object else { throw place.wrong("an object") }
    var tokens: [Token] = []
    tokens.reserveCapacity(members.count)
    for (text, value) in members.members {
      guard let id = value.integer, let id = Int32(exactly: id), id >= 0 else {
        throw JSONPlace(value: value, path: "\(place.path)[\(quoted(text))]", file: place.file)
          .wrong("an id from 0 to \(Int32.max)")
      }
      tokens.append(Token(text, id: id))
    }
    return tokens
  }

  private static func bytePair(_ model: JSONPlace) throws(TokenizationError) -> BytePair {
    let list = try model.required("merges")
    guard let elements = list.value.array else { throw list.wrong("an array") }
    var merges: [Merge] = []
    merges.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      guard let merge = Merge(json: element) else {
        throw JSONPlace(value: element, path: "\(list.path)[\(index)]", file: list.file)
          .wrong("two tokens as [\"a\", \"b\"] or \"a b\"")
      }
      merges.append(merge)
    }
    return BytePair(
      merges: merges,
      byteFallback: try model.bool("byte_fallback", default: false),
      unknownToken: try model.optional("unk_token")?.string(),
      fuseUnknown: try model.bool("fuse_unk", default: false),
      ignoreMerges: try model.bool("ignore_merges", default: false)
    )
  }

  private static func addedTokens(
    _ root: JSONPlace
  ) throws(TokenizationError) -> [AddedToken] {
    guard let list = try root.optional("added_tokens") else { return [] }
    var tokens: [AddedToken] = []
    for place in try list.elements() {
      let id = try place.required("id")
      guard let number = id.value.integer, let number = Int32(exactly: number), number >= 0 else {
        throw id.wrong("an id from 0 to \(Int32.max)")
      }
      let content = try place.required("content")
      var token = AddedToken(id: number, content: try content.string())
      if token.content.isEmpty { throw content.wrong("text that is not empty") }
      token.special = try place.bool("special", default: false)
      token.normalized = try place.bool("normalized", default: !token.special)
      token.stripsLeft = try place.bool("lstrip", default: false)
      token.stripsRight = try place.bool("rstrip", default: false)
      token.singleWord = try place.bool("single_word", default: false)
      tokens.append(token)
    }
    return tokens
  }
}

extension TokenizerDescription.Merge {
  fileprivate init?(json: JSONValue) {
    if let pair = json.array {
      guard pair.count == 2, let left = pair[0].string, let right = pair[1].string else {
        return nil
      }
      self.init(left, right)
    } else {
      guard let text = json.string else { return nil }
      let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      self.init(String(Substring(parts[0])), String(Substring(parts[1])))
    }
  }
}
