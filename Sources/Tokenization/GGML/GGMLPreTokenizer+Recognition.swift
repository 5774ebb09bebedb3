import JSON

extension TokenizerFolder {
  /// The name that llama.cpp has for the folder's pre-tokenizer.
  ///
  /// It is the user's, that of the GGUF file the folder was made from, or found in a table by the
  /// patterns of tokenizer.json. `convert_hf_to_gguf` looks at the ids of one text instead, which
  /// knows only the vocabularies it was made with. Names with one pattern differ in what llama.cpp
  /// does by default, so the model's family chooses between them.
  func preTokenizerName(
    _ description: TokenizerDescription,
    modelType: String,
    override: String?
  ) throws(TokenizationError) -> String {
    if let name = override {
      try GGMLPreTokenizer.requireKnown(name)
      return name
    }
    if let name = configuration?[GGMLVocabulary.extraKey]?["pre"]?.string { return name }
    guard case .bytePair(let model) = description.model,
      let name = GGMLPreTokenizer.name(
        of: description.preTokenizers,
        modelType: modelType,
        ignoresMerges: model.ignoreMerges
      )
    else { throw .unknownPreTokenizer(file: description.file) }
    return name
  }
}

extension GGMLPreTokenizer {
  /// Refuses a name given for `--pre` that llama.cpp does not have.
  ///
  /// - Throws: ``TokenizationError/unsupported(file:place:got:supported:)``.
  package static func requireKnown(_ name: String) throws(TokenizationError) {
    guard named(name) == nil, !unsupported.contains(name) else { return }
    throw .unsupported(
      file: "--pre",
      place: "name",
      got: quoted(name),
      supported: names.joined(separator: ", ")
    )
  }

  /// The name of what cuts text as `steps` do; nil if none is known.
  static func name(
    of steps: [TokenizerDescription.PreTokenizer],
    modelType: String,
    ignoresMerges: Bool
  ) -> String? {
    guard let found = shapes.first(where: { $0.matches(steps) })?.name else { return nil }
    switch found {
    case "gpt-2": return modelType.hasPrefix("olmo") ? "olmo" : found
    case "qwen2": return modelType.hasPrefix("hunyuan") ? "hunyuan" : found
    case "llama-bpe":
      if modelType.hasPrefix("glm") { return "glm4" }
      if modelType == "dbrx" { return "dbrx" }
      return ignoresMerges ? found : "smaug-bpe"
    case "gpt-4o":
      if modelType.hasPrefix("llama4") { return "llama4" }
      return modelType.hasPrefix("minimax") ? "minimax-m2" : found
    case "deepseek-v3": return modelType.hasPrefix("hunyuan") ? "hunyuan-dense" : found
    case "bailingmoe": return modelType == "bailing_moe_v2" ? "bailingmoe2" : found
    default: return found
    }
  }

  /// The steps of a tokenizer.json before the one that writes bytes as characters.
  private struct Shape: Sendable {
    let name: String
    let matches: @Sendable ([TokenizerDescription.PreTokenizer]) -> Bool
  }

  private static let bytes = TokenizerDescription.PreTokenizer.byteLevel(
    addPrefixSpace: false,
    useRegex: false
  )
  private static let gpt2Bytes = TokenizerDescription.PreTokenizer.byteLevel(
    addPrefixSpace: false,
    useRegex: true
  )

  private static func splits(_ patterns: [String]) -> [TokenizerDescription.PreTokenizer] {
    patterns.map { .split(.regex($0), .isolated, invert: false) }
  }

  private static func shape(_ name: String, _ patterns: String...) -> Shape {
    let steps = splits(patterns) + [bytes]
    return Shape(name: name) { $0 == steps }
  }

  private static let modernStart = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"#
  private static let modernEnd = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let casedStart = #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let casedEnd = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  private static func cased(_ contraction: String, number: String) -> String {
    let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    return "\(casedStart)*\(lower)+\(contraction)|\(casedStart)+\(lower)*\(contraction)|\(number)"
      + casedEnd
  }

  /// The steps that models are published with.
  private static let shapes: [Shape] = [
    shape("qwen2", modernStart + #"\p{N}"# + modernEnd),
    shape("llama-bpe", modernStart + #"\p{N}{1,3}"# + modernEnd),
    shape(
      "qwen35",
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"#
        + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    ),
    shape("gpt-4o", cased("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", number: #"\p{N}{1,3}"#)),
    shape("tekken", cased("", number: #"\p{N}"#)),
    shape(
      "deepseek-v3",
      #"\p{N}{1,3}"#,
      "[一-龥\u{3040}-ゟ゠-ヿ]+",
      ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
        + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    ),
    shape(
      "bailingmoe",
      #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"#
        + #"|\s*[\r\n]|\s+(?!\S)|\s+"#
    ),
    shape(
      "seed-coder",
      modernStart + "\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
    ),
    shape(
      "exaone-moe",
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"#
        + #"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"#
    ),
    Shape(name: "gpt-2") { $0 == [gpt2Bytes] },
    Shape(name: "starcoder") { $0 == [.digits(individual: true), gpt2Bytes] },
    Shape(name: "deepseek-llm") { isDeepSeek($0) && $0.count == 7 },
    Shape(name: "deepseek-coder") { steps in
      isDeepSeek(steps) && steps.count == 6
        && steps[1...2] == splits([#"\s?\p{L}+"#, #"\s?\p{P}+"#])[...]
    },
  ]

  /// Whether line ends go first and Chinese, digits and bytes last, as in DeepSeek's older tokenizers.
  private static func isDeepSeek(_ steps: [TokenizerDescription.PreTokenizer]) -> Bool {
    guard let first = steps.first, steps.count > 4 else { return false }
    return splits(["[\r\n]", #"[\r\n]"#]).contains(first)
      && steps.suffix(2) == [.digits(individual: true), bytes][...]
      && steps[steps.count - 3] == splits(["[一-龥ࠀ-一가-\u{D7FF}]+"])[0]
  }
}
