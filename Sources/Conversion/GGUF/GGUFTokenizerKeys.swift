internal import Checkpoint
internal import GGUF
internal import SystemPackage
internal import Tokenization

/// The keys of a model's tokenizer in a GGUF file.
enum GGUFTokenizerKeys {
  /// Reads the tokenizer's files.
  ///
  /// - Parameters:
  ///   - source: The model.
  ///   - pre: llama.cpp's name of the pre-tokenizer; nil to find it out.
  /// - Returns: The keys in the order of llama.cpp's converter, and tokens that have no place in it.
  /// - Throws: ``ConversionError/unsupported(reason:)`` if there is none, `TokenizationError` if it
  ///   cannot be said in GGUF's terms.
  static func keys(of source: Checkpoint, pre: String?) throws -> (
    keys: [(String, GGUFValue)], leftOut: [String]
  ) {
    let c = try source.requireConfiguration()
    let vocabulary = try GGMLVocabulary(
      modelType: c.modelType,
      vocabularySize: c.vocabularySize,
      pre: pre,
      folder: source.location.path.string,
      names: { try source.names(in: $0) },
      read: { try source.auxiliaryFile($0) }
    )
    guard let vocabulary else {
      throw ConversionError.noTokenizer(source)
    }
    return (vocabulary.writtenKeys, vocabulary.tokensLeftOut)
  }
}

extension ConversionError {
  /// A model that has none.
  static func noTokenizer(_ source: Checkpoint) -> ConversionError {
    let place = source.ggufContents == nil ? "no tokenizer.json or tokenizer.model" : "no tokenizer"
    return .unsupported(
      reason:
        "\(source.location.path): has \(place); take that of a GGUF file of the same base with"
        + " --tokenizer-from, or write none with --no-tokenizer"
    )
  }
}
