import JSON

/// The tokens with a part to play and the chat templates of a Hugging Face folder, found as the `gguf`
/// package's `SpecialVocab` finds them, with its order and its blind spots.
struct SpecialVocabulary {
  /// Tokens by part, in the order found.
  private(set) var tokens: [GGMLVocabulary.SpecialToken] = []
  /// What is put around a text, in the order found.
  private(set) var additions: [GGMLVocabulary.Addition] = []
  /// The chat templates, named ones first.
  private(set) var chatTemplates: [GGMLVocabulary.ChatTemplate] = []

  /// Names in tokenizer_config.json and config.json; a part without a key in GGUF has none.
  private var roles: [(name: String, role: GGMLVocabulary.SpecialToken.Role?)] = [
    ("bos", .bos), ("eos", .eos), ("unk", .unknown), ("sep", .separator), ("pad", .padding),
    ("cls", nil), ("mask", .mask),
  ]
  private let tokenCount: Int

  /// Looks through `folder` for tokens with ids below `tokenCount`.
  init(_ folder: TokenizerFolder, tokenCount: Int) {
    self.tokenCount = tokenCount
    var configuration = folder.configuration?.object
    if let tokenizer = folder.tokenizer {
      readPostProcessor(tokenizer["post_processor"], &configuration)
    }
    if let configuration {
      readChatTemplates(configuration["chat_template"] ?? folder.chatTemplate)
      readTokens(configuration, addedTokens: folder.tokenizer?["added_tokens"]?.array ?? [])
    }
    for (name, role) in roles {
      let key = "\(name)_token_id"
      let value = folder.model?[key].flatMap { $0.isNull ? nil : $0 }
      if let id = (value ?? folder.model?["text_config"]?[key])?.integer { set(role, id) }
    }
  }

  private mutating func set(_ role: GGMLVocabulary.SpecialToken.Role?, _ id: Int) {
    guard let role, id >= 0, id < tokenCount, !tokens.contains(where: { $0.role == role }) else {
      return
    }
    tokens.append(.init(role, Int32(id)))
  }

  private mutating func set(_ kind: GGMLVocabulary.Addition.Kind, _ isOn: Bool) {
    if let index = additions.firstIndex(where: { $0.kind == kind }) {
      additions[index].isOn = isOn
    } else {
      additions.append(.init(kind, isOn))
    }
  }

  // MARK: - The files

  private mutating func readTokens(_ configuration: JSONObject, addedTokens: [JSONValue]) {
    for (name, role) in roles {
      if let isOn = configuration["add_\(name)_token"]?.bool,
        let kind = GGMLVocabulary.Addition.Kind(rawValue: name)
      {
        set(kind, isOn)
      }
      guard let text = configuration["\(name)_token"].flatMap(TokenizerFolder.content) else {
        continue
      }
      let token = addedTokens.first { $0["content"]?.string.map { $0 == text } ?? false }
      if let id = token?["id"]?.integer { set(role, id) }
    }
  }

  private mutating func readChatTemplates(_ value: JSONValue?) {
    if let list = value?.array {
      var last: String?
      for choice in list {
        guard let text = choice["template"]?.string else { continue }
        let name = String(
          (choice["name"]?.string ?? "").unicodeScalars.map { scalar in
            let isPlain =
              scalar.isASCII && Character(scalar).isLetter || ("0"..."9").contains(scalar)
            return isPlain ? Character(scalar) : "_"
          }
        )
        if name == "default" {
          last = text
        } else if !name.isEmpty {
          chatTemplates.append(.init(name: name, text))
        }
      }
      if let last { chatTemplates.append(.init(last)) }
    } else if let text = value?.string {
      chatTemplates.append(.init(text))
    }
  }

  /// Guesses from the template of a post-processor what is put around a text.
  private mutating func readPostProcessor(_ value: JSONValue?, _ configuration: inout JSONObject?) {
    func named(_ key: String) -> JSONValue? {
      configuration?[key].flatMap { $0.isNull || $0.string == "" ? nil : $0 }
    }
    var (bos, cls) = (named("bos_token"), named("cls_token"))
    var (eos, sep) = (named("eos_token"), named("sep_token"))
    if bos == nil, let cls {
      bos = cls
      configuration?["bos_token"] = cls
    }
    if eos == nil, let sep {
      eos = sep
      configuration?["eos_token"] = sep
    }

    guard let value, !value.isNull else { return }
    for processor in value["processors"]?.array ?? [value] {
      switch processor["type"]?.string {
      case "RobertaProcessing":
        for kind in GGMLVocabulary.Addition.Kind.allCases { set(kind, true) }
        if cls == nil, configuration != nil {
          cls = processor["cls"]?.array?.first ?? bos
          configuration?["cls_token"] = cls
        }
        if sep == nil, configuration != nil {
          sep = processor["sep"]?.array?.first ?? eos
          configuration?["sep_token"] = sep
        }
      case "TemplateProcessing":
        let single = processor["single"]?.array ?? []
        let first = single.count > 1 ? SpecialVocabulary.special(single.first) : nil
        let last = single.count > 1 ? SpecialVocabulary.special(single.last) : nil
        if let first {
          if configuration == nil { bos = first }
          set(.bos, first == bos || first == cls)
        }
        if let last {
          if configuration == nil {
            eos = last
          } else if last != eos {
            takeOverEnd(eos, &configuration)
            configuration?["eos_token"] = last
            eos = last
          }
          set(.eos, last == eos)
        }
        readPair(processor["pair"]?.array ?? [], first, last, sep, eos, &configuration)
      default: break
      }
    }
  }

  /// The template ends with another token than the configuration's: that one ends a turn or a message.
  private mutating func takeOverEnd(_ eos: JSONValue?, _ configuration: inout JSONObject?) {
    for (name, role) in [("eot", GGMLVocabulary.SpecialToken.Role.eot), ("eom", .eom)]
    where !roles.contains(where: { $0.name == name }) {
      roles.append((name, role))
      configuration?["\(name)_token"] = eos
      return
    }
  }

  private mutating func readPair(
    _ pair: [JSONValue],
    _ first: JSONValue?,
    _ last: JSONValue?,
    _ sep: JSONValue?,
    _ eos: JSONValue?,
    _ configuration: inout JSONObject?
  ) {
    var middle = pair[...]
    if let first, SpecialVocabulary.special(middle.first) == first { middle = middle.dropFirst() }
    if let last, SpecialVocabulary.special(pair.last) == last { middle = middle.dropLast() }
    guard middle.count > 2, middle.first?["Sequence"]?["id"]?.string == "A",
      middle.last?["Sequence"]?["id"]?.string == "B"
    else { return }
    middle = middle.dropFirst().dropLast()
    func isSeparator(_ element: JSONValue?) -> Bool {
      SpecialVocabulary.special(element).map { $0 == sep || $0 == eos } ?? false
    }
    var isSeparated = isSeparator(middle.first) && last == nil
    if middle.count == 2, isSeparator(middle.last) { isSeparated = true }
    set(.separator, isSeparated)
    if isSeparated, sep == nil { configuration?["sep_token"] = eos }
  }

  private static func special(_ element: JSONValue?) -> JSONValue? {
    element?["SpecialToken"]?["id"].flatMap { $0.string == nil || $0.string == "" ? nil : $0 }
  }
}
