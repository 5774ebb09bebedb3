/// Which tokens, and how many experts of each, the search looks at.
package struct SamplePlan: Sendable, Equatable {
  /// Positions in the token stream, ascending: floor(i T / n).
  package let positions: [Int]
  /// Experts whose outputs are kept per token, C.
  package let candidates: Int

  /// Spaces positions evenly over the stream.
  ///
  /// - Parameters:
  ///   - tokens: Tokens of the stream, T.
  ///   - wanted: Positions wanted, n; all T if there are fewer.
  ///   - candidates: Experts whose outputs are kept per token, C.
  package init(tokens: Int, wanted: Int, candidates: Int) {
    let n = min(wanted, tokens)
    positions = (0..<n).map { i in
      i * tokens / n
    }
    self.candidates = candidates
  }

  /// Experts whose outputs the search can need: C = min(E, k + the most experts a layer could
  /// lose).
  package static func candidateCount(experts: Int, topK: Int, mostPruned: Int) -> Int {
    min(experts, topK + mostPruned)
  }
}
