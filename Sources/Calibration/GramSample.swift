internal import CKernels
internal import Inference
internal import LinearAlgebra
internal import Parallelism

/// The Gram matrices of expert outputs for a sample of tokens: with them the error of any set of
/// experts is exact and needs no weights (docs/how-it-works.md, "Measure"). The method is
/// this tool's own.
package struct GramSample: Sendable {
  /// Number of tokens, n.
  package var tokenCount: Int
  /// Number of experts of the layer, E.
  package var experts: Int
  /// Number of experts per token whose outputs are in `gram`, C.
  package var candidates: Int
  /// Router logits, [n, E].
  package var logits: [Float]
  /// The C likeliest experts by descending logit, [n, C]; nil if C = E, where `gram` has all
  /// experts in ascending order.
  package var candidateExperts: [Int32]?
  /// Inner products ⟨f_a(x), f_b(x)⟩ of the outputs: lower triangles row by row, [n, C(C+1)/2].
  package var gram: [Float]

  /// Numbers in one token's triangle, C(C+1)/2.
  package var triangle: Int { candidates * (candidates + 1) / 2 }

  /// A sample without tokens.
  package init(experts: Int, candidates: Int) {
    tokenCount = 0
    self.experts = experts
    self.candidates = candidates
    logits = []
    candidateExperts = candidates == experts ? nil : []
    gram = []
  }

  /// A sample from its parts.
  package init(
    tokenCount: Int,
    experts: Int,
    candidates: Int,
    logits: [Float],
    candidateExperts: [Int32]?,
    gram: [Float]
  ) {
    self.tokenCount = tokenCount
    self.experts = experts
    self.candidates = candidates
    self.logits = logits
    self.candidateExperts = candidateExperts
    self.gram = gram
  }
}

extension GramSample {
  /// Adds the sampled tokens of a block with these router logits, [tokens, E].
  mutating func add(_ outputs: TokenOutputs, logits scores: Matrix, threads: Int) {
    guard let routing = outputs.candidates else { return }
    let (sampled, candidates, triangle) = (outputs.sampled, self.candidates, self.triangle)
    let isWhole = candidateExperts == nil
    let first = gram.count
    gram.append(contentsOf: repeatElement(0, count: sampled.count * triangle))
    gram.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let base = buffer.baseAddress
      parallelForEach(count: sampled.count, threads: threads) { number in
        guard let base else { return }
        let experts = routing.experts[number * routing.width..<(number + 1) * routing.width]
        // Slots in the order of the triangle's rows: by logit, or all experts ascending.
        var slots = Array(0..<candidates)
        if isWhole {
          slots.sort { experts[experts.startIndex + $0] < experts[experts.startIndex + $1] }
        }
        var place = first + number * triangle
        for i in 0..<candidates {
          let a = outputs.output(token: sampled[number], slot: slots[i])
          for j in 0...i {
            let b = outputs.output(token: sampled[number], slot: slots[j])
            base[place] = Float(moepack_dot(a.baseAddress, b.baseAddress, a.count))
            place += 1
          }
        }
      }
    }
    tokenCount += sampled.count
    for (number, token) in sampled.enumerated() {
      logits += scores.row(token)
      candidateExperts?.append(
        contentsOf: routing.experts[number * routing.width..<number * routing.width + candidates]
      )
    }
  }
}
