/// SentencePiece's merging by score, step for step as llama.cpp does it.
///
/// Neighbours whose joined text is a token are candidates; the one of highest score is joined first,
/// of equals the leftmost. What is left without a token in the end becomes tokens of its bytes.
struct SentencePieceEncoder: Sendable {
  private let file: String
  private let tokens: TokenTable
  private let scores: [Float]
  private let longestToken: Int
  /// The tokens `<0xNN>`, or -1.
  private let byteTokens: [Int32]

  /// A run of characters that is still one piece; a length of 0 says it was joined to the left.
  private struct Symbol {
    let start: Int
    var count: Int
    var previous: Int32
    var next: Int32
  }

  /// Two neighbours that make a token; out of date once their lengths no longer add up to `count`.
  private struct Candidate {
    let score: Float
    let left: Int32
    let count: Int32

    func goesBefore(_ other: Candidate) -> Bool {
      score > other.score || (score == other.score && left < other.left)
    }
  }

  /// Prepares the model of `description`.
  ///
  /// - Throws: ``TokenizationError/malformed(file:place:expected:got:)`` unless every token has a
  ///   score that can be compared.
  init(
    _ model: TokenizerDescription.SentencePiece,
    _ description: TokenizerDescription
  ) throws(TokenizationError) {
    file = description.file
    guard model.scores.count == description.vocabulary.count else {
      throw description.malformed(
        "scores",
        expected: "one for each of the \(description.vocabulary.count) tokens",
        got: "\(model.scores.count)"
      )
    }
    if let index = model.scores.firstIndex(where: \.isNaN) {
      throw description.malformed("scores[\(index)]", expected: "a number", got: "NaN")
    }
    let tokens = TokenTable(description.vocabulary)
    self.tokens = tokens
    let largest = description.vocabulary.lazy.map { Int($0.id) }.max() ?? -1
    var scores = [Float](repeating: 0, count: largest + 1)
    for (token, score) in zip(description.vocabulary, model.scores) {
      scores[Int(token.id)] = score
    }
    self.scores = scores
    longestToken = description.vocabulary.lazy.map(\.text.utf8.count).max() ?? 0
    byteTokens = (0..<256).map { tokens.id(ByteTokens.text(of: UInt8($0))) ?? -1 }
  }

  /// Appends the tokens of `text[range]`.
  func encode(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    to out: inout [Int32]
  ) throws(TokenizationError) {
    var symbols: [Symbol] = []
    symbols.reserveCapacity(range.count)
    var position = range.lowerBound
    while position < range.upperBound {
      let length = decodeScalar(text, at: position).length
      let place = Int32(symbols.count)
      let isLast = position + length >= range.upperBound
      symbols.append(
        Symbol(start: position, count: length, previous: place - 1, next: isLast ? -1 : place + 1)
      )
      position += length
    }

    var queue = BinaryHeap<Candidate> { $0.goesBefore($1) }
    for left in symbols.indices.dropLast() {
      if let candidate = candidate(Int32(left), text, symbols) { queue.insert(candidate) }
    }
    while let best = queue.popFirst() {
      let left = Int(best.left)
      let right = Int(symbols[left].next)
      guard symbols[left].count > 0, right >= 0,
        symbols[left].count + symbols[right].count == Int(best.count)
      else { continue }
      symbols[left].count += symbols[right].count
      symbols[right].count = 0
      let after = symbols[right].next
      symbols[left].next = after
      if after >= 0 { symbols[Int(after)].previous = best.left }
      let before = symbols[left].previous
      if before >= 0, let candidate = candidate(before, text, symbols) { queue.insert(candidate) }
      if let candidate = candidate(best.left, text, symbols) { queue.insert(candidate) }
    }

    for symbol in symbols where symbol.count > 0 {
      let place = symbol.start..<symbol.start + symbol.count
      if let id = tokens.id(text, place) {
        out.append(id)
      } else {
        for position in place { out.append(try byteToken(text[position])) }
      }
    }
  }

  /// The candidate of the symbol `left` and the one after it, if they make a token.
  private func candidate(_ left: Int32, _ text: Span<UInt8>, _ symbols: [Symbol]) -> Candidate? {
    let symbol = symbols[Int(left)]
    guard symbol.next >= 0 else { return nil }
    let count = symbol.count + symbols[Int(symbol.next)].count
    guard count <= longestToken,
      let id = tokens.id(text, symbol.start..<symbol.start + count)
    else { return nil }
    return Candidate(score: scores[Int(id)], left: left, count: Int32(count))
  }

  private func byteToken(_ byte: UInt8) throws(TokenizationError) -> Int32 {
    let id = byteTokens[Int(byte)]
    if id < 0 { throw .noByteToken(file: file, token: ByteTokens.text(of: byte)) }
    return id
  }
}
