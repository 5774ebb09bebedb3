import JSON

extension GGMLVocabulary {
  /// The files that give a Hugging Face folder this tokenizer, by name: tokenizer.json,
  /// tokenizer_config.json, and tokenizer.model where the vocabulary has scores of its own.
  ///
  /// Made into a GGUF again, they give the same keys. They say what llama.cpp does, not what the model
  /// was published with, which the GGUF does not tell:
  /// - There is no normalizer. If the model's own tokenizer normalized (Qwen's composes characters,
  ///   NFC), text that is not normalized gets other ids than there, and the same as in llama.cpp.
  /// - Of a byte-level model the pre-tokenizer has llama.cpp's patterns; the ids are the same.
  /// - Merges of a SentencePiece vocabulary follow from its scores, as transformers converts one. Where
  ///   all scores are equal, as in a GGUF made from a tokenizer.json, they only approximate them.
  ///
  /// What has no place in these files stands in tokenizer_config.json under `gguf`.
  ///
  /// - Parameter file: the GGUF file's name, for messages.
  /// - Returns: names and contents.
  /// - Throws: ``TokenizationError`` naming the key at fault.
  package func huggingFaceFiles(
    file: String
  ) throws(TokenizationError) -> [(name: String, contents: [UInt8])] {
    var files = [
      ("tokenizer.json", Array(try tokenizerJSON(file: file).text(pretty: true).utf8)),
      ("tokenizer_config.json", Array((configurationJSON.text(pretty: true) + "\n").utf8)),
    ]
    if let scores, model == .llama, Set(scores).count > 1 {
      files.append(("tokenizer.model", sentencePieceModel(scores)))
    }
    return files
  }

  /// Whether a space is put in front of a text.
  var isPrefixed: Bool { addsSpacePrefix ?? true }

  /// The kind of a token.
  func type(of index: Int) -> TokenType { types?[index] ?? .normal }

  /// Whether the token only stands for an id that has none.
  func isPadding(_ index: Int) -> Bool {
    type(of: index) == .unused && tokens[index] == GGMLVocabulary.padding(index)
  }

  private func sentencePieceModel(_ scores: [Float]) -> [UInt8] {
    let unknown = id(of: .unknown).map(Int.init)
    let end = 1 + (tokens.indices.last { !isPadding($0) } ?? -1)
    let pieces = tokens.indices.prefix(end).map { index in
      SentencePieceModel.Piece(
        text: tokens[index],
        score: scores[index],
        type: index == unknown
          ? .unknown : type(of: index) == .undefined ? .normal : type(of: index)
      )
    }
    return SentencePieceModel(pieces).bytes(addsPrefix: isPrefixed)
  }
}
