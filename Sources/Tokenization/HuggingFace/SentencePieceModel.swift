/// The pieces of a `tokenizer.model`, SentencePiece's own file: a protocol buffer `ModelProto`.
struct SentencePieceModel: Equatable {
  /// A token, its score and its kind; the kinds are numbered as in GGUF.
  struct Piece: Equatable {
    var text: String
    var score: Float
    var type: GGMLVocabulary.TokenType
  }

  /// The pieces by id.
  var pieces: [Piece] = []

  // Field numbers of ModelProto and of the messages inside it.
  private enum Field {
    static let piece = 1
    static let trainer = 2
    static let normalizer = 3
    static let text = 1
    static let score = 2
    static let type = 3
  }

  /// Pieces to be written.
  init(_ pieces: [Piece]) { self.pieces = pieces }

  /// Reads the bytes of `file`.
  init(parsing bytes: [UInt8], file: String) throws(TokenizationError) {
    var message = ProtocolBuffer(bytes[...])
    while let field = try SentencePieceModel.next(&message, file) {
      guard field.number == Field.piece, case .bytes(let body) = field.value else { continue }
      pieces.append(try SentencePieceModel.piece(body, index: pieces.count, file))
    }
    if pieces.isEmpty {
      throw .malformed(file: file, place: "pieces", expected: "at least one", got: "none")
    }
  }

  private static func piece(
    _ body: ArraySlice<UInt8>,
    index: Int,
    _ file: String
  ) throws(TokenizationError) -> Piece {
    var piece = Piece(text: "", score: 0, type: .normal)
    var message = ProtocolBuffer(body)
    while let field = try next(&message, file) {
      switch (field.number, field.value) {
      case (Field.text, .bytes(let text)):
        guard let text = String(validating: text, as: UTF8.self) else {
          throw .malformed(
            file: file,
            place: "pieces[\(index)].piece",
            expected: "UTF-8",
            got: "other bytes"
          )
        }
        piece.text = text
      case (Field.score, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      case (Field.type, .varint(let number)):
        guard number > 0, let number = Int32(exactly: number),
          let type = GGMLVocabulary.TokenType(rawValue: number)
        else {
          throw .malformed(
            file: file,
            place: "pieces[\(index)].type",
            expected: "1 to 6",
            got: "\(number)"
          )
        }
        piece.type = type
      default: break
      }
    }
    return piece
  }

  private static func next(
    _ message: inout ProtocolBuffer,
    _ file: String
  ) throws(TokenizationError) -> ProtocolBuffer.Field? {
    do throws(ProtocolBuffer.Broken) {
      return try message.next()
    } catch {
      throw .malformed(
        file: file,
        place: "byte \(error.offset)",
        expected: "a field of SentencePiece's ModelProto",
        got: "none that fits"
      )
    }
  }

  /// The bytes of a file with these pieces, for a model of byte pairs with byte fallback.
  ///
  /// - Parameter addsPrefix: whether a space is put in front of a text.
  /// - Returns: the file's bytes.
  func bytes(addsPrefix: Bool) -> [UInt8] {
    var out: [UInt8] = []
    for piece in pieces {
      var body: [UInt8] = []
      ProtocolBuffer.append(Field.text, Array(piece.text.utf8), to: &body)
      ProtocolBuffer.append(Field.score, fixed32: piece.score.bitPattern, to: &body)
      if piece.type != .normal {
        ProtocolBuffer.append(Field.type, varint: UInt64(piece.type.rawValue), to: &body)
      }
      ProtocolBuffer.append(Field.piece, body, to: &out)
    }
    // TrainerSpec: model_type BPE, vocab_size, byte_fallback.
    var trainer: [UInt8] = []
    ProtocolBuffer.append(3, varint: 2, to: &trainer)
    ProtocolBuffer.append(4, varint: UInt64(pieces.count), to: &trainer)
    ProtocolBuffer.append(35, varint: 1, to: &trainer)
    ProtocolBuffer.append(Field.trainer, trainer, to: &out)
    // NormalizerSpec: name, add_dummy_prefix, remove_extra_whitespaces.
    var normalizer: [UInt8] = []
    ProtocolBuffer.append(1, Array("identity".utf8), to: &normalizer)
    ProtocolBuffer.append(3, varint: addsPrefix ? 1 : 0, to: &normalizer)
    ProtocolBuffer.append(4, varint: 0, to: &normalizer)
    ProtocolBuffer.append(Field.normalizer, normalizer, to: &out)
    return out
  }
}
