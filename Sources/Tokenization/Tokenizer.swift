import Synchronization

/// Turns text into the ids a model was trained on, and back.
///
/// The ids are those of Hugging Face's `tokenizers` without special tokens added: added tokens in the
/// text are recognised, the text between is normalized, cut into words, and each word merged. Of a
/// ``GGMLVocabulary`` they are those of llama.cpp.
///
/// A tokenizer may be used from several threads at once; one of them at a time has the cache of
/// words, the others do without.
///
/// ```swift
/// let description = try TokenizerDescription(json: json, file: "tokenizer.json")
/// let tokenizer = try Tokenizer(description)
/// let ids = try tokenizer.encode("In the beginning")
/// ```
package final class Tokenizer: Sendable {
  /// What the tokenizer was built from.
  package let description: TokenizerDescription

  private let rawMatcher: AddedTokenMatcher
  private let normalizedMatcher: AddedTokenMatcher?
  private let normalizer: TextNormalizer
  private let splitter: WordSplitter
  private let encoder: WordEncoder
  private let decoder: TokenDecoder
  private let tokens: [Int32: String]
  private let specialIDs: Set<Int32>
  private let freshStates: [PatternState]
  private let state: Mutex<State>

  private enum WordEncoder: Sendable {
    case bytePair(BytePairEncoder)
    case sentencePiece(SentencePieceEncoder)
  }

  private struct State: Sendable {
    var patterns: [PatternState]
    var words = BytePairEncoder.State()
  }

  /// Builds a tokenizer.
  ///
  /// - Parameter description: what it is made of.
  /// - Throws: ``TokenizationError`` where parts of the description contradict one another or a
  ///   pattern is beyond this program.
  package init(_ description: TokenizerDescription) throws(TokenizationError) {
    try description.checkTokens()
    let file = description.file
    var states: [PatternState] = []
    normalizer = try TextNormalizer(description.normalizers, states: &states, file: file)
    splitter = try WordSplitter(description.preTokenizers, states: &states, file: file)
    decoder = try TokenDecoder(description.decoders, states: &states, file: file)
    switch description.model {
    case .bytePair(let model): encoder = .bytePair(try BytePairEncoder(model, description))
    case .sentencePiece(let model):
      encoder = .sentencePiece(try SentencePieceEncoder(model, description))
    }

    let raw = description.addedTokens.filter { !$0.normalized }
    let order = description.addedTokenOrder
    rawMatcher = AddedTokenMatcher(raw, contents: raw.map { Array($0.content.utf8) }, order)
    let others = description.addedTokens.filter(\.normalized)
    var contents: [[UInt8]] = []
    for token in others {
      do throws(PatternTooSlow) {
        contents.append(try normalizer.normalized(Array(token.content.utf8), &states))
      } catch {
        throw .patternTooSlow(file: file, pattern: error.pattern)
      }
    }
    normalizedMatcher =
      others.isEmpty ? nil : AddedTokenMatcher(others, contents: contents, order)

    var tokens: [Int32: String] = [:]
    tokens.reserveCapacity(description.vocabulary.count + description.addedTokens.count)
    for token in description.vocabulary { tokens[token.id] = token.text }
    for token in raw { tokens[token.id] = token.content }
    // These decode as they are looked for: normalized.
    for (token, content) in zip(others, contents) {
      tokens[token.id] = String(decoding: content, as: UTF8.self)
    }
    self.tokens = tokens
    specialIDs = Set(description.addedTokens.filter(\.special).map(\.id))
      .union(description.controlTokens)
    self.description = description
    freshStates = states
    state = Mutex(State(patterns: states))
  }

  /// The ids of a text, without any token for its beginning or end.
  ///
  /// - Parameter text: UTF-8, taken byte for byte.
  /// - Returns: the ids.
  /// - Throws: ``TokenizationError/invalidUTF8(offset:)``, or where the model has no token at all for
  ///   a character.
  package func encode(_ text: [UInt8]) throws(TokenizationError) -> [Int32] {
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: text.span)
    } catch {
      throw .invalidUTF8(offset: error.byteOffsets.lowerBound)
    }
    return try withState { state throws(TokenizationError) in try encode(text, &state) }
  }

  /// The ids of a text, without any token for its beginning or end.
  package func encode(_ text: String) throws(TokenizationError) -> [Int32] {
    try encode(Array(text.utf8))
  }

  /// The text of `ids`; bytes that make no UTF-8 become U+FFFD.
  ///
  /// - Parameters:
  ///   - ids: what ``encode(_:)-([UInt8])`` or a model gives.
  ///   - skipSpecialTokens: whether special tokens are left out.
  /// - Returns: the text.
  /// - Throws: ``TokenizationError/unknownID(_:file:)``.
  package func decode(
    _ ids: some Sequence<Int32>,
    skipSpecialTokens: Bool = false
  ) throws(TokenizationError) -> String {
    var texts: [[UInt8]] = []
    for id in ids {
      guard let token = tokens[id] else { throw .unknownID(id, file: description.file) }
      if skipSpecialTokens, specialIDs.contains(id) { continue }
      texts.append(Array(token.utf8))
    }
    return try withState { state throws(TokenizationError) in
      try catchingSlowPatterns { () throws(PatternTooSlow) in
        try decoder.text(of: texts, &state.patterns)
      }
    }
  }

  /// The token of `id` as the vocabulary spells it.
  package func token(_ id: Int32) -> String? { tokens[id] }

  // MARK: - Encoding

  private func encode(
    _ text: [UInt8],
    _ state: inout State
  ) throws(TokenizationError) -> [Int32] {
    var ids: [Int32] = []
    ids.reserveCapacity(text.count / 3)
    for piece in rawMatcher.pieces(of: text.span) {
      if let id = piece.id {
        ids.append(id)
      } else {
        try encode(
          Array(text[piece.range]),
          isFirst: piece.range.lowerBound == 0,
          to: &ids,
          &state
        )
      }
    }
    return ids
  }

  /// Encodes text between added tokens of the raw text.
  private func encode(
    _ text: [UInt8],
    isFirst: Bool,
    to ids: inout [Int32],
    _ state: inout State
  ) throws(TokenizationError) {
    let text = try catchingSlowPatterns { () throws(PatternTooSlow) in
      try normalizer.normalized(text, &state.patterns)
    }
    guard let matcher = normalizedMatcher else {
      return try encodeWords(text, isFirst: isFirst, to: &ids, &state)
    }
    for piece in matcher.pieces(of: text.span) {
      if let id = piece.id {
        ids.append(id)
      } else {
        let isFirst = isFirst && piece.range.lowerBound == 0
        try encodeWords(Array(text[piece.range]), isFirst: isFirst, to: &ids, &state)
      }
    }
  }

  /// Encodes text that holds no added token any more.
  private func encodeWords(
    _ text: [UInt8],
    isFirst: Bool,
    to ids: inout [Int32],
    _ state: inout State
  ) throws(TokenizationError) {
    let (text, words) = try catchingSlowPatterns { () throws(PatternTooSlow) in
      try splitter.split(text, isFirst: isFirst, &state.patterns)
    }
    switch encoder {
    case .bytePair(let encoder):
      for word in words { try encoder.encode(text.span, word, to: &ids, &state.words) }
    case .sentencePiece(let encoder):
      for word in words { try encoder.encode(text.span, word, to: &ids) }
    }
  }

  private func catchingSlowPatterns<Value>(
    _ body: () throws(PatternTooSlow) -> Value
  ) throws(TokenizationError) -> Value {
    do throws(PatternTooSlow) {
      return try body()
    } catch {
      throw .patternTooSlow(file: description.file, pattern: error.pattern)
    }
  }

  /// Lends the shared state, or a fresh one while another thread has it.
  private func withState<Value: Sendable>(
    _ body: (inout State) throws(TokenizationError) -> Value
  ) throws(TokenizationError) -> Value {
    let shared = state.withLockIfAvailable { state in
      Result { () throws(TokenizationError) in try body(&state) }
    }
    if let shared { return try shared.get() }
    var state = State(patterns: freshStates)
    return try body(&state)
  }
}
