import Calibration
import Glibc
import Inference
import LinearAlgebra

/// A layer's router logits and expert outputs on some tokens, made up.
struct LayerSample {
  let tokens: Int
  let experts: Int
  let topK: Int
  let pruned: Int
  let hidden: Int
  let rule: RoutingRule
  /// Router logits, [tokens, experts].
  private let logits: Matrix
  /// A token's experts by descending logit, [tokens, candidates].
  private let order: [Int32]
  /// Their outputs, [tokens, candidates, hidden].
  private let outputs: Matrix
  /// Outputs the search can need: no set can make a token use one further down.
  private var candidates: Int { topK + pruned }

  init(tokens: Int, experts: Int, topK: Int, pruned: Int, hidden: Int, seed: UInt64) {
    (self.tokens, self.experts, self.topK) = (tokens, experts, topK)
    (self.pruned, self.hidden) = (pruned, hidden)
    rule = RoutingRule(topK: topK, normalizesTopK: false)
    var generator = SeededGenerator(seed: seed)
    let bias = (0..<experts).map { _ in generator.nextGaussianPair().0 }
    logits = Matrix(rows: tokens, columns: experts)
    var order: [Int32] = []
    for token in 0..<tokens {
      let row = logits.row(token)
      for expert in row.indices {
        row[expert] = Float(0.5 * bias[expert] + generator.nextGaussianPair().0)
      }
      let sorted = row.indices.sorted { (row[$1], $0) < (row[$0], $1) }
      order += sorted.prefix(topK + pruned).map { Int32($0) }
    }
    self.order = order
    outputs = Matrix(rows: tokens * (topK + pruned), columns: hidden)
    for i in outputs.elements.indices { outputs.elements[i] = Float(generator.nextUniform() - 0.5) }
  }

  /// What calibration would hand to the search.
  var gramSample: GramSample {
    let triangle = candidates * (candidates + 1) / 2
    var gram: [Float] = []
    gram.reserveCapacity(tokens * triangle)
    for token in 0..<tokens {
      for i in 0..<candidates {
        for j in 0...i { gram.append(dot(token * candidates + i, token * candidates + j)) }
      }
    }
    return GramSample(
      tokenCount: tokens,
      experts: experts,
      candidates: candidates,
      logits: logits.values,
      candidateExperts: order,
      gram: gram
    )
  }

  private func dot(_ a: Int, _ b: Int) -> Float {
    let (x, y) = (outputs.pointer + a * hidden, outputs.pointer + b * hidden)
    var lanes = SIMD16<Float>()
    for start in stride(from: 0, to: hidden, by: 16) {
      let left = UnsafeRawPointer(x + start).loadUnaligned(as: SIMD16<Float>.self)
      lanes += left * UnsafeRawPointer(y + start).loadUnaligned(as: SIMD16<Float>.self)
    }
    return lanes.sum()
  }

  // MARK: - The straightforward way

  /// ‖Y_S − Y‖ / ‖Y‖: every token is routed anew among the experts that are left, and its output
  /// made of theirs.
  func directError(pruning pruned: [Int]) -> Double {
    var isPruned = [Bool](repeating: false, count: experts)
    for expert in pruned { isPruned[expert] = true }
    let none = [Bool](repeating: false, count: experts)
    let difference = Matrix(rows: 1, columns: hidden)
    let before = Matrix(rows: 1, columns: hidden)
    var (change, norm) = (0.0, 0.0)
    for token in 0..<tokens {
      before.elements.update(repeating: 0)
      add(route(token, none), of: token, times: 1, to: before)
      _ = difference.elements.update(fromContentsOf: before.elements)
      add(route(token, isPruned), of: token, times: -1, to: difference)
      change += difference.squaredNorm
      norm += before.squaredNorm
    }
    return (change / norm).squareRoot()
  }

  /// The k likeliest experts that are left, as places among the candidates, with their weights.
  private func route(_ token: Int, _ isPruned: [Bool]) -> [(place: Int, weight: Float)] {
    let row = logits.row(token)
    let largest = row.indices.reduce(-Float.infinity) { isPruned[$1] ? $0 : max($0, row[$1]) }
    var total: Float = 0
    for expert in row.indices where !isPruned[expert] { total += exp(row[expert] - largest) }
    var chosen: [(place: Int, weight: Float)] = []
    for place in 0..<candidates where chosen.count < topK {
      let expert = Int(order[token * candidates + place])
      if !isPruned[expert] { chosen.append((place, exp(row[expert] - largest) / total)) }
    }
    return chosen
  }

  private func add(
    _ chosen: [(place: Int, weight: Float)],
    of token: Int,
    times sign: Float,
    to sum: Matrix
  ) {
    let y = sum.pointer
    for (place, weight) in chosen {
      let x = outputs.pointer + (token * candidates + place) * hidden
      let factor = sign * weight
      for i in 0..<hidden { y[i] += factor * x[i] }
    }
  }
}
