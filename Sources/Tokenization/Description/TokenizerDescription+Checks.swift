import JSON

extension TokenizerDescription {
  /// Refuses a vocabulary that names ids the model has no row for.
  ///
  /// - Parameter rows: rows of the model's embedding.
  /// - Throws: ``TokenizationError/vocabularyTooLarge(file:token:id:rows:)``.
  package func check(vocabularySize rows: Int) throws(TokenizationError) {
    for token in vocabulary where Int(token.id) >= rows {
      throw .vocabularyTooLarge(file: file, token: token.text, id: Int(token.id), rows: rows)
    }
    for token in addedTokens where Int(token.id) >= rows {
      throw .vocabularyTooLarge(file: file, token: token.content, id: Int(token.id), rows: rows)
    }
  }

  /// Refuses parts that contradict one another: ids or tokens given twice, merges of tokens that the
  /// vocabulary does not have.
  package func check() throws(TokenizationError) {
    try checkTokens()
    switch model {
    case .bytePair(let model): _ = try MergeTable(model, TokenTable(vocabulary), file: file)
    case .sentencePiece(let model): _ = try SentencePieceEncoder(model, self)
    }
  }

  /// Refuses ids below zero or given twice, and tokens listed twice.
  func checkTokens() throws(TokenizationError) {
    var textOf: [Int32: String] = [:]
    var idOf: [UTF8Key: Int32] = [:]
    textOf.reserveCapacity(vocabulary.count)
    idOf.reserveCapacity(vocabulary.count)
    for token in vocabulary {
      try check(id: token.id, of: token.text, at: "model.vocab")
      if let other = textOf.updateValue(token.text, forKey: token.id) {
        throw malformed(
          "model.vocab",
          expected: "one token per id",
          got: "\(quoted(other)) and \(quoted(token.text)) with id \(token.id)"
        )
      }
      if idOf.updateValue(token.id, forKey: UTF8Key(token.text)) != nil {
        throw malformed(
          "model.vocab",
          expected: "every token once",
          got: "\(quoted(token.text)) twice"
        )
      }
    }
    var contents: Set<UTF8Key> = []
    for (index, token) in addedTokens.enumerated() {
      let place = "added_tokens[\(index)]"
      try check(id: token.id, of: token.content, at: place)
      let key = UTF8Key(token.content)
      guard contents.insert(key).inserted else {
        throw malformed(
          place,
          expected: "every added token once",
          got: "\(quoted(token.content)) twice"
        )
      }
      if let id = idOf[key] {
        guard id == token.id else {
          throw malformed(
            place,
            expected: "id \(id), which the vocabulary gives \(quoted(token.content))",
            got: "id \(token.id)"
          )
        }
      } else if let other = textOf.updateValue(token.content, forKey: token.id) {
        throw malformed(
          place,
          expected: "one token per id",
          got: "\(quoted(other)) and \(quoted(token.content)) with id \(token.id)"
        )
      }
    }
  }

  /// The error that something stands in the wrong shape at `place`.
  func malformed(_ place: String, expected: String, got: String) -> TokenizationError {
    .malformed(file: file, place: place, expected: expected, got: got)
  }

  private func check(id: Int32, of token: String, at place: String) throws(TokenizationError) {
    if id < 0 {
      throw malformed(
        place,
        expected: "ids from 0 up",
        got: "id \(id) for \(quoted(token))"
      )
    }
  }
}
