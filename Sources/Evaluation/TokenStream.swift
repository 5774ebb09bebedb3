internal import Crypto
package import Checkpoint
internal import SystemPackage
internal import Tokenization

/// The tokens of a text as evaluation and calibration read them: per document bos, ids, eos, all in
/// a row, cut into windows.
package struct TokenStream: Sendable {
  /// Whole windows of ids.
  package let ids: [Int32]
  /// Tokens per window.
  package let context: Int
  /// The text's name; nil for ids.
  package let text: String?
  /// The token each document starts with; nil if none.
  package let bos: Int32?
  /// The token each document ends with; nil if none.
  package let eos: Int32?
  /// Tokens the source had, if fewer than were asked for.
  package let shortfall: Int?

  /// Reads `source` for `checkpoint`.
  ///
  /// - Parameters:
  ///   - source: A text or a list of ids.
  ///   - checkpoint: The model, whose tokenizer is used for text.
  ///   - context: Tokens per window; the last, shorter window is dropped.
  ///   - limit: Take the first so many tokens, rounded down to whole windows; nil takes all.
  /// - Throws: ``EvaluationError`` if the source is malformed, shorter than one window or has ids
  ///   that the model lacks, or if the model has no tokenizer; `TokenizationError` if text cannot be encoded.
  package init(_ source: TextSource, for checkpoint: Checkpoint, context: Int, limit: Int?) throws {
    self.context = context
    text = source.name
    var ids: [Int32] = []
    var file = source.name
    if case .ids(let path) = source {
      ids = try TextSource.ids(in: path)
      file = path.string
      try TokenStream.check(ids, of: path, for: checkpoint)
      bos = nil
      eos = nil
    } else {
      let model = try ModelTokenizer(checkpoint)
      bos = model.bos
      eos = model.eos
      let documents = try source.documents()
      guard documents.contains(where: { !$0.isEmpty }) else {
        throw EvaluationError.tooShort(
          source: source.name ?? "the text",
          tokens: 0,
          context: context
        )
      }
      ids = try TokenStream.flat(documents, model, limit: limit)
    }
    shortfall = limit.flatMap { $0 > ids.count ? ids.count : nil }
    let wanted = min(limit ?? ids.count, ids.count)
    let whole = wanted / context * context
    guard whole > 0 else {
      throw EvaluationError.tooShort(
        source: file ?? "the ids given",
        tokens: wanted,
        context: context
      )
    }
    self.ids = Array(ids[..<whole])
  }

  /// Refuses ids that the embedding of `checkpoint` has no row for.
  private static func check(_ ids: [Int32], of file: FilePath, for checkpoint: Checkpoint)
    throws(EvaluationError)
  {
    guard let size = checkpoint.configuration?.vocabularySize,
      let position = ids.firstIndex(where: { Int($0) >= size })
    else { return }
    throw .unknownID(file: file, id: Int(ids[position]), position: position, vocabularySize: size)
  }

  /// The ids of all documents in a row; no document is begun once there are `limit`.
  package static func flat(_ documents: [[UInt8]], _ model: ModelTokenizer, limit: Int? = nil)
    throws
    -> [Int32]
  {
    var ids: [Int32] = []
    for document in documents {
      if let limit, ids.count >= limit { break }
      if let bos = model.bos { ids.append(bos) }
      ids += try model.tokenizer.encode(document)
      if let eos = model.eos { ids.append(eos) }
    }
    return ids
  }

  /// Number of windows.
  package var windowCount: Int { ids.count / context }

  /// SHA-256 of the ids (32-bit, little-endian) and the context, in hexadecimal: names the stream
  /// without holding the text.
  package var fingerprint: String {
    var hash = SHA256()
    for value in [Int32(context)] + ids {
      withUnsafeBytes(of: value.littleEndian) { hash.update(bufferPointer: $0) }
    }
    return hash.finalize().map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }
}
