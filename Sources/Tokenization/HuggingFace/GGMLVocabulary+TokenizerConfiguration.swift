import JSON

/// tokenizer_config.json, made of what a GGUF says.
extension GGMLVocabulary {
  private static let names: [(SpecialToken.Role, String)] = [
    (.bos, "bos"), (.eos, "eos"), (.unknown, "unk"), (.separator, "sep"), (.padding, "pad"),
    (.mask, "mask"),
  ]

  /// The whole file.
  var configurationJSON: JSONValue {
    var root: JSONObject = ["tokenizer_class": "PreTrainedTokenizerFast"]
    var extra = JSONObject()
    if model == .gpt2, let pre { extra["pre"] = .string(pre) }
    var named: Set<Int> = []
    for (role, name) in GGMLVocabulary.names {
      // A folder with a `bos_token` starts its documents with it.
      let isUsed = role != .bos || startsWithBOSInLlamaCpp
      guard let id = id(of: role).map(Int.init), isUsed else {
        if let id = id(of: role) { extra["\(role.rawValue)_token_id"] = JSONValue(Int(id)) }
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
}
