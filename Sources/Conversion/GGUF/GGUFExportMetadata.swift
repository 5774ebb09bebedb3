internal import Checkpoint
internal import GGUF
internal import JSON
internal import SystemPackage
internal import Tensors
internal import Tokenization

/// The keys of a GGUF file made from a checkpoint of Hugging Face's or from a pack, in the order of
/// llama.cpp's `convert_hf_to_gguf.py`.
struct GGUFExportMetadata {
  private(set) var metadata = GGUFMetadata()
  /// Tokens of the source for which the embedding has no row.
  private(set) var tokensLeftOut: [String] = []

  /// Collects them.
  ///
  /// - Parameters:
  ///   - source: The model.
  ///   - export: What is written of it.
  ///   - options: What was asked for.
  /// - Throws: For a tokenizer that is missing or cannot be said.
  init(_ source: Checkpoint, _ export: GGUFExport, _ options: GGUFOptions) throws {
    guard let naming = GGUFNaming(source) else { return }
    let prefix = export.factored == nil ? "" : FactoredKeys.prefix
    metadata["general.architecture"] = .string(prefix + naming.architecture)
    metadata["general.type"] = .string("model")
    for (key, value) in try GGUFModelCard(source, export).keys { metadata[key] = value }
    if let contents = source.ggufContents {
      for (key, value) in contents.metadata
      where key.hasPrefix("general.") && !GGUFExportMetadata.isMade(key) {
        metadata[key] = value
      }
    }
    let fileType = options.fileType?.id ?? GGUFExportMetadata.fileType(of: export)
    let parameters = naming.parameters(
      experts: export.experts,
      fileType: fileType,
      hasTokenizer: !options.hasNoTokenizer
    )
    for (key, value) in parameters { metadata[key] = value }
    for (key, value) in export.factored?.values ?? [] { metadata[key] = value }
    metadata["general.quantization_version"] = .uint32(2)
    if options.hasNoTokenizer {
      metadata["tokenizer.ggml.model"] = .string("none")
    } else if let donor = options.tokenizerDonor {
      try metadata.takeTokenizer(of: donor)
    } else if let contents = source.ggufContents {
      guard contents.hasTokenizer else { throw ConversionError.noTokenizer(source) }
      metadata.copyTokenizer(of: contents.metadata)
      try metadata.setPreTokenizer(options.preTokenizer)
    } else {
      let tokenizer = try GGUFTokenizerKeys.keys(of: source, pre: options.preTokenizer)
      for (key, value) in tokenizer.keys { metadata[key] = value }
      tokensLeftOut = tokenizer.leftOut
    }
  }

  /// Whether a key of a source says what is not so of the output.
  private static func isMade(_ key: String) -> Bool {
    ["architecture", "type", "file_type", "quantization_version", "alignment", "size_label"]
      .contains(key.dropFirst(8))
  }

  /// `general.file_type` by the type that most bytes of weights have.
  private static func fileType(of export: GGUFExport) -> UInt32 {
    var elements: [ElementType: Int] = [:]
    for item in export.items
    where GGUFTypeChoice.isQuantised(item.layout.name, item.layout.shape) {
      elements[item.layout.type, default: 0] += item.layout.shape.reduce(1, *)
    }
    let most = elements.max { ($0.value, $1.key.name) < ($1.value, $0.key.name) }?.key
    return most.flatMap { GGUFFileType(mostly: $0) }?.id ?? 0
  }
}

extension GGUFMetadata {
  private static func isTokenizer(_ key: String) -> Bool { key.hasPrefix("tokenizer.") }

  /// Does what the options say of the tokenizer of a file that has `self` as its keys.
  ///
  /// - Throws: ``ConversionError/unsupported(reason:)`` if the donor has none, `TokenizationError` for
  ///   a pre-tokenizer that is not known.
  mutating func reviseTokenizer(_ options: GGUFOptions, of source: Checkpoint) throws {
    if let donor = options.tokenizerDonor { try takeTokenizer(of: donor) }
    try setPreTokenizer(options.preTokenizer)
    guard options.hasNoTokenizer else { return }
    for key in map(\.key) where GGUFMetadata.isTokenizer(key) { self[key] = nil }
    self["tokenizer.ggml.model"] = .string("none")
    // llama.cpp counts the tokens, or must be told.
    let embedding = source.fileTensors.first { $0.name == "token_embd.weight" }
    if let architecture = self["general.architecture"]?.string,
      let rows = embedding?.shape.first
    {
      self["\(architecture).vocab_size"] = .uint32(UInt32(clamping: rows))
    }
  }

  /// Names the pre-tokenizer.
  mutating func setPreTokenizer(_ name: String?) throws {
    guard let name else { return }
    guard self["tokenizer.ggml.tokens"] != nil else {
      throw ConversionError.unsupported(
        reason: "--pre \(name): the source has no tokenizer; take one with --tokenizer-from"
      )
    }
    try GGMLPreTokenizer.requireKnown(name)
    self["tokenizer.ggml.pre"] = .string(name)
  }

  /// Takes every key of another file's tokenizer, verbatim.
  ///
  /// - Throws: ``ConversionError/unsupported(reason:)`` if the other file has none.
  mutating func takeTokenizer(of donor: GGUFCollection) throws {
    guard donor.metadata["tokenizer.ggml.tokens"]?.array != nil else {
      throw ConversionError.unsupported(
        reason: "\(donor.files[0].path): has no tokenizer; name another file with --tokenizer-from"
      )
    }
    copyTokenizer(of: donor.metadata)
  }

  /// Takes another file's tokenizer, verbatim, or has none if the other has none.
  mutating func copyTokenizer(of donor: GGUFMetadata) {
    for key in map(\.key) where GGUFMetadata.isTokenizer(key) { self[key] = nil }
    for (key, value) in donor where GGUFMetadata.isTokenizer(key) { self[key] = value }
  }
}
