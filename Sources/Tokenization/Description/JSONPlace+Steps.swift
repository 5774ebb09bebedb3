import JSON

/// The steps of `tokenizer.json`: objects with a `type`, or sequences of them.
extension JSONPlace {
  /// The normalizers described here, sequences laid flat.
  func normalizers() throws(TokenizationError) -> [TokenizerDescription.Normalizer] {
    let kind = try required("type").string()
    if let form = TokenizerDescription.UnicodeForm(rawValue: kind) { return [.unicode(form)] }
    switch kind {
    case "Sequence":
      return try sequence("normalizers") { place throws(TokenizationError) in
        try place.normalizers()
      }
    case "Prepend": return [.prepend(try required("prepend").string())]
    case "Replace": return [.replace(try pattern(), with: try required("content").string())]
    case "Lowercase": return [.lowercase]
    case "Strip":
      return [
        .strip(
          left: try bool("strip_left", default: false),
          right: try bool("strip_right", default: false)
        )
      ]
    case "ByteLevel": return [.byteLevel]
    default:
      throw unsupported(
        "the normalizer \(quoted(kind))",
        supported: "NFC, NFD, NFKC, NFKD, Prepend, Replace, Lowercase, Strip, ByteLevel, Sequence"
      )
    }
  }

  /// The pre-tokenizers described here, sequences laid flat.
  func preTokenizers() throws(TokenizationError) -> [TokenizerDescription.PreTokenizer] {
    let kind = try required("type").string()
    switch kind {
    case "Sequence":
      return try sequence("pretokenizers") { place throws(TokenizationError) in
        try place.preTokenizers()
      }
    case "ByteLevel":
      return [
        .byteLevel(
          addPrefixSpace: try bool("add_prefix_space", default: true),
          useRegex: try bool("use_regex", default: true)
        )
      ]
    case "Split":
      return [
        .split(try pattern(), try choice("behavior"), invert: try bool("invert", default: false))
      ]
    case "Metaspace":
      return [
        .metaspace(
          replacement: try required("replacement").scalar(),
          try prependScheme(),
          split: try bool("split", default: true)
        )
      ]
    case "Whitespace": return [.whitespace]
    case "WhitespaceSplit": return [.whitespaceSplit]
    case "Digits": return [.digits(individual: try bool("individual_digits", default: false))]
    case "Punctuation": return [.punctuation(try choice("behavior", default: .isolated))]
    default:
      throw unsupported(
        "the pre-tokenizer \(quoted(kind))",
        supported: "ByteLevel, Split, Metaspace, Whitespace, WhitespaceSplit, Digits, Punctuation,"
          + " Sequence"
      )
    }
  }

  /// The decoders described here, sequences laid flat.
  func decoders() throws(TokenizationError) -> [TokenizerDescription.Decoder] {
    let kind = try required("type").string()
    switch kind {
    case "Sequence":
      return try sequence("decoders") { place throws(TokenizationError) in
        try place.decoders()
      }
    case "ByteLevel": return [.byteLevel]
    case "Replace": return [.replace(try pattern(), with: try required("content").string())]
    case "ByteFallback": return [.byteFallback]
    case "Fuse": return [.fuse]
    case "Strip":
      return [
        .strip(
          content: try required("content").scalar(),
          start: try count("start"),
          stop: try count("stop")
        )
      ]
    case "Metaspace":
      return [
        .metaspace(
          replacement: try required("replacement").scalar(),
          prepended: try prependScheme() != .never
        )
      ]
    default:
      throw unsupported(
        "the decoder \(quoted(kind))",
        supported: "ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace, Sequence"
      )
    }
  }

  // MARK: - Parts of steps

  private func sequence<Step>(
    _ key: String,
    _ steps: (JSONPlace) throws(TokenizationError) -> [Step]
  ) throws(TokenizationError) -> [Step] {
    var all: [Step] = []
    for place in try required(key).elements() { all += try steps(place) }
    return all
  }

  private func pattern() throws(TokenizationError) -> TokenizerDescription.Pattern {
    let place = try required("pattern")
    if let string = try place.optional("String") {
      let text = try string.string()
      if text.isEmpty { throw string.wrong("text that is not empty") }
      return .string(text)
    }
    if let regex = try place.optional("Regex") {
      let source = try regex.string()
      do throws(PatternFault) {
        _ = try PatternProgram(source)
      } catch {
        throw regex.unsupported(
          "\(error.what) at byte \(error.offset) of \(quoted(source))",
          supported: error.supported
        )
      }
      return .regex(source)
    }
    throw place.wrong("{\"String\": …} or {\"Regex\": …}")
  }

  /// `prepend_scheme`, or the `add_prefix_space` of older files.
  private func prependScheme() throws(TokenizationError) -> TokenizerDescription.PrependScheme {
    if try optional("prepend_scheme") != nil { return try choice("prepend_scheme") }
    return try bool("add_prefix_space", default: true) ? .always : .never
  }
}
