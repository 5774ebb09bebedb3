/// Finds added tokens in a text: leftmost first, the longest of those that begin at one place; or in
/// llama.cpp's order, the longest of all first.
struct AddedTokenMatcher: Sendable {
  /// A piece of the text: an added token, or text between.
  struct Piece: Equatable, Sendable {
    /// Where it lies.
    let range: Range<Int>
    /// The token's id; nil for text between.
    let id: Int32?
  }

  private let tokens: [TokenizerDescription.AddedToken]
  /// Node and next byte to node; node 0 is the root.
  private var edges: [UInt64: Int32] = [:]
  /// For each node the token that ends there, or -1.
  private var ends: [Int32] = [-1]
  private var firstBytes = [Bool](repeating: false, count: 256)
  private let word = ScalarSet.rustWord
  private let order: TokenizerDescription.AddedTokenOrder

  /// A matcher of `tokens`, whose contents are spelt as in `contents`.
  init(
    _ tokens: [TokenizerDescription.AddedToken],
    contents: [[UInt8]],
    _ order: TokenizerDescription.AddedTokenOrder = .leftmost
  ) {
    self.tokens = tokens
    self.order = order
    for (index, content) in contents.enumerated() where !content.isEmpty {
      firstBytes[Int(content[0])] = true
      var node: Int32 = 0
      for byte in content {
        let edge = AddedTokenMatcher.edge(node, byte)
        if let next = edges[edge] {
          node = next
        } else {
          let next = Int32(ends.count)
          edges[edge] = next
          ends.append(-1)
          node = next
        }
      }
      if ends[Int(node)] < 0 { ends[Int(node)] = Int32(index) }
    }
  }

  private static func edge(_ node: Int32, _ byte: UInt8) -> UInt64 {
    UInt64(node) << 8 | UInt64(byte)
  }

  /// The text cut at its added tokens, without empty pieces between them.
  func pieces(of text: Span<UInt8>) -> [Piece] {
    let end = text.count
    var pieces: [Piece] = []
    var done = 0
    let chosen = order == .longest ? longestMatches(in: text) : nil
    var next = 0
    var position = 0
    while position < end {
      let index: Int
      let match: Range<Int>
      if let chosen {
        guard next < chosen.count else { break }
        (index, match) = chosen[next]
        next += 1
      } else {
        guard firstBytes[Int(text[position])], let found = longest(text, at: position) else {
          position += 1
          continue
        }
        (index, match) = (found.token, position..<found.end)
      }
      position = match.upperBound
      let token = tokens[index]
      if token.singleWord, touchesWord(text, match) { continue }
      var (low, high) = (match.lowerBound, match.upperBound)
      if token.stripsLeft { low = max(trimWhitespace(text, 0..<low), done) }
      if token.stripsRight { high = skipWhitespace(text, from: high, to: end) }
      if done < low { pieces.append(Piece(range: done..<low, id: nil)) }
      pieces.append(Piece(range: low..<high, id: token.id))
      done = high
    }
    if done < end { pieces.append(Piece(range: done..<end, id: nil)) }
    return pieces
  }

  /// All matches but those that overlap a longer one, or one as long further left.
  private func longestMatches(in text: Span<UInt8>) -> [(token: Int, match: Range<Int>)] {
    var all: [(token: Int, match: Range<Int>)] = []
    for start in 0..<text.count where firstBytes[Int(text[start])] {
      var node: Int32 = 0
      var position = start
      while position < text.count,
        let next = edges[AddedTokenMatcher.edge(node, text[position])]
      {
        node = next
        position += 1
        if ends[Int(node)] >= 0 { all.append((Int(ends[Int(node)]), start..<position)) }
      }
    }
    all.sort {
      ($1.match.count, $0.token, $0.match.lowerBound)
        < ($0.match.count, $1.token, $1.match.lowerBound)
    }
    var isTaken: [Bool] = []
    var chosen: [(token: Int, match: Range<Int>)] = []
    for candidate in all {
      if isTaken.isEmpty { isTaken = [Bool](repeating: false, count: text.count) }
      // One that lies between longer ones has its ends free only if all of it is.
      guard !isTaken[candidate.match.lowerBound], !isTaken[candidate.match.upperBound - 1] else {
        continue
      }
      for position in candidate.match { isTaken[position] = true }
      chosen.append(candidate)
    }
    return chosen.sorted { $0.match.lowerBound < $1.match.lowerBound }
  }

  private func longest(_ text: Span<UInt8>, at start: Int) -> (token: Int, end: Int)? {
    var best: (Int, Int)?
    var node: Int32 = 0
    var position = start
    while position < text.count,
      let next = edges[AddedTokenMatcher.edge(node, text[position])]
    {
      node = next
      position += 1
      if ends[Int(node)] >= 0 { best = (Int(ends[Int(node)]), position) }
    }
    return best
  }

  private func touchesWord(_ text: Span<UInt8>, _ match: Range<Int>) -> Bool {
    if match.lowerBound > 0 {
      let before = scalarStart(text, before: match.lowerBound)
      if word.contains(decodeScalar(text, at: before).value) { return true }
    }
    return match.upperBound < text.count
      && word.contains(decodeScalar(text, at: match.upperBound).value)
  }
}
