/// Merges in place of scores, as transformers' converter makes them for SentencePiece vocabularies.
///
/// Every way of cutting a token into two tokens is a merge; the higher the token's score, the sooner.
/// Of equal scores the one with the longer left part goes first, then that with the longer right one.
enum ScoredMerges {
  /// The merges of `tokens` with their `scores`; ids in `skipped` take no part.
  static func merges(
    _ tokens: [String],
    scores: [Float],
    skipped: Set<Int>
  ) -> [TokenizerDescription.Merge] {
    let table = TokenTable(
      tokens.enumerated().compactMap { index, text in
        skipped.contains(index) ? nil : .init(text, id: Int32(index))
      }
    )
    // Only where both parts are as long as some token is one of each looked for: a token of megabytes
    // has as many places to cut.
    var lengths: Set<Int> = []
    for (index, token) in tokens.enumerated() where !skipped.contains(index) {
      lengths.insert(token.utf8.count)
    }
    var all: [Cut] = []
    for (index, token) in tokens.enumerated() where !skipped.contains(index) {
      let text = Array(token.utf8)
      let scalarCount = token.unicodeScalars.count
      var cuts: [Cut] = []
      var position = 0
      for leftCount in 1..<max(scalarCount, 1) {
        position += decodeScalar(text.span, at: position).length
        guard lengths.contains(position), lengths.contains(text.count - position),
          let left = table.id(text.span, 0..<position),
          let right = table.id(text.span, position..<text.count)
        else { continue }
        cuts.append(
          Cut(
            left: left,
            right: right,
            score: scores[index],
            leftCount: leftCount,
            rightCount: scalarCount - leftCount,
            place: 0
          )
        )
      }
      cuts.sort { ($0.left, $0.right) < ($1.left, $1.right) }
      for cut in cuts {
        all.append(cut)
        all[all.count - 1].place = all.count
      }
    }
    all.sort { a, b in
      if a.score != b.score { return a.score > b.score }
      return (b.leftCount, b.rightCount, a.place) < (a.leftCount, a.rightCount, b.place)
    }
    return all.map { .init(tokens[Int($0.left)], tokens[Int($0.right)]) }
  }

  private struct Cut {
    let left: Int32
    let right: Int32
    let score: Float
    let leftCount: Int
    let rightCount: Int
    var place: Int
  }
}
