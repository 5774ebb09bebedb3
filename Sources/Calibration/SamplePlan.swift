/// Which tokens, and how many experts of each, the search looks at.
package struct SamplePlan: Sendable, Equatable {
  /// Positions in the token stream, ascending: floor(i T / n).
  package let positions: [Int]
  /// Experts whose outputs are kept per token, C.
  package let candidates: Int

  /// Evenly spaced positions.
  ///
  /// - Parameters:
  ///   - tokens: T.
  ///   - wanted: n, at most T.
  ///   - candidates: C.
  package init(tokens: Int, wanted: Int, candidates: Int) {
    let n = min(wanted, tokens)
    positions = (0..<n).map { i in
      i * tokens / n
    }
    self.candidates = candidates
  }

  /// C = min(E, k + the most experts one layer could lose).
  package static func candidateCount(experts: Int, topK: Int, mostPruned: Int) -> Int {
    min(experts, topK + mostPruned)
  }
}
