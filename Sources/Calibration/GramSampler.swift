internal import CKernels
package import Inference
package import LinearAlgebra
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

/// Computes Gram samples of one layer.
package struct GramSampler {
  private let layer: DecoderLayer
  private let threads: Int

  /// A sampler for `layer`.
  package init(_ layer: DecoderLayer, threads: Int) {
    self.layer = layer
    self.threads = threads
  }

  /// Tokens in a block, whose outputs are held at once.
  package static func blockTokens(candidates: Int, hidden: Int) -> Int {
    max(16, min(2048, MixtureMeasurement.blockBytes / max(1, candidates * hidden * 4)))
  }

  /// Adds the tokens in `rows` of a batch, x [tokens, H] and logits [tokens, E], to `sample`.
  package func add(_ rows: [Int], of x: Matrix, logits: Matrix, to sample: inout GramSample) throws
  {
    let block = GramSampler.blockTokens(candidates: sample.candidates, hidden: x.columns)
    for start in stride(from: 0, to: rows.count, by: block) {
      try addBlock(Array(rows[start..<min(start + block, rows.count)]), x, logits, &sample)
    }
  }

  private func addBlock(
    _ rows: [Int],
    _ x: Matrix,
    _ logits: Matrix,
    _ sample: inout GramSample
  ) throws {
    let inputs = Matrix(rows: rows.count, columns: x.columns)
    let scores = Matrix(rows: rows.count, columns: logits.columns)
    for (place, row) in rows.enumerated() {
      _ = inputs.row(place).update(fromContentsOf: x.row(row))
      _ = scores.row(place).update(fromContentsOf: logits.row(row))
    }
    let width = sample.candidates
    let all = Array(layer.experts.indices)
    let routing = Routing(scores, rule: layer.rule, allowed: all, width: width, threads: threads)
    let outputs = Matrix(rows: rows.count * width, columns: x.columns)
    let isWhole = sample.candidateExperts == nil
    try layer.expertPass.run(inputs, lists: routing.rowsByExpert(all.count)) { activation in
      if isWhole {
        activation.scatter(into: outputs, width: width, slot: activation.position)
      } else {
        activation.scatter(into: outputs, width: width, threads: threads)
      }
    }
    let triangle = sample.triangle
    var gram = [Float](repeating: 0, count: rows.count * triangle)
    gram.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let base = buffer.baseAddress
      parallelForEach(count: rows.count, threads: threads) { token in
        guard let base else { return }
        var place = token * triangle
        for i in 0..<width {
          let a = outputs.row(token * width + i)
          for j in 0...i {
            let b = outputs.row(token * width + j)
            base[place] = Float(moepack_dot(a.baseAddress, b.baseAddress, a.count))
            place += 1
          }
        }
      }
    }
    sample.tokenCount += rows.count
    sample.logits += scores.elements
    sample.candidateExperts?.append(contentsOf: routing.experts)
    sample.gram += gram
  }
}

extension ExpertActivation {
  /// Puts each output at row token * width + slot of `target`.
  func scatter(into target: Matrix, width: Int, slot: Int) {
    for (place, row) in rows.enumerated() {
      _ = target.row(Int(row.token) * width + slot).update(fromContentsOf: outputs.row(place))
    }
  }
}
