package import Calibration
internal import Glibc
package import Inference

/// The error of pruning any set of experts from a layer, exact on a Gram sample.
///
/// For each token the k likeliest experts that are left are found, their weights made anew, and the
/// squared change of the output taken as dᵀ G d; MoE-I²'s fitness ‖F − F'‖_F
/// (arXiv 2411.01016, Layer-wise Genetic Search; F the layer's output before pruning, F' after),
/// relative to ‖F‖_F. G holds the inner products of a token's expert outputs, d the change of its
/// routing weights.
package struct SetError: Sendable {
  private let tokens: Int
  private let experts: Int
  private let candidates: Int
  private let rule: RoutingRule
  /// Expert at each rank, [n, C].
  private let order: [Int32]
  /// Its row in the Gram matrix, [n, C].
  private let row: [Int32]
  private let gram: [Float]
  /// exp(logit - largest), [n, E].
  private let shares: [Double]
  /// Sum of a token's shares, [n].
  private let totals: [Double]
  /// The unpruned weights, [n, k].
  private let weights: [Double]
  /// ‖Y(x)‖², [n].
  private let norms: [Double]
  private let normSum: Double

  /// Prepares a sample for any number of sets.
  package init(_ sample: GramSample, rule: RoutingRule) {
    let (n, e, c) = (sample.tokenCount, sample.experts, sample.candidates)
    tokens = n
    experts = e
    candidates = c
    self.rule = rule
    gram = sample.gram
    var order: [Int32] = []
    var row: [Int32] = []
    if let known = sample.candidateExperts {
      order = known
      row = (0..<n).flatMap { _ in 0..<Int32(c) }
    } else {
      for token in 0..<n {
        let logits = sample.logits[token * e..<(token + 1) * e]
        let sorted = (0..<Int32(e)).sorted { a, b in
          let (x, y) = (logits[token * e + Int(a)], logits[token * e + Int(b)])
          return x != y ? x > y : a < b
        }
        order += sorted
      }
      row = order
    }
    self.order = order
    self.row = row
    var shares = [Double](repeating: 0, count: n * e)
    var totals: [Double] = []
    var weights: [Double] = []
    var norms: [Double] = []
    let k = min(rule.topK, c)
    let triangle = sample.triangle
    for token in 0..<n {
      let largest = Double(sample.logits[token * e + Int(order[token * c])])
      var total = 0.0
      for expert in 0..<e {
        let share = exp(Double(sample.logits[token * e + expert]) - largest)
        shares[token * e + expert] = share
        total += share
      }
      totals.append(total)
      var chosen = 0.0
      for rank in 0..<k { chosen += shares[token * e + Int(order[token * c + rank])] }
      let denominator = rule.normalizesTopK ? chosen : total
      for rank in 0..<k {
        weights.append(shares[token * e + Int(order[token * c + rank])] / denominator)
      }
      var norm = 0.0
      for i in 0..<k {
        for j in 0..<k {
          let (a, b) = (Int(row[token * c + i]), Int(row[token * c + j]))
          let (high, low) = (max(a, b), min(a, b))
          norm +=
            weights[token * k + i] * weights[token * k + j]
            * Double(gram[token * triangle + high * (high + 1) / 2 + low])
        }
      }
      norms.append(norm)
    }
    self.shares = shares
    self.totals = totals
    self.weights = weights
    self.norms = norms
    normSum = norms.reduce(0, +)
  }

  /// The relative error ‖Y_S − Y‖ / ‖Y‖ over the sample, S = all experts but `pruned`.
  package func callAsFunction(pruning pruned: [Int]) -> Double {
    guard normSum > 0 else { return 0 }
    var isPruned = [Bool](repeating: false, count: experts)
    for expert in pruned { isPruned[expert] = true }
    let k = min(rule.topK, candidates)
    let keeps = min(rule.topK, experts - pruned.count)
    let triangle = candidates * (candidates + 1) / 2
    var sum = 0.0
    order.withUnsafeBufferPointer { order in
      row.withUnsafeBufferPointer { row in
        shares.withUnsafeBufferPointer { shares in
          gram.withUnsafeBufferPointer { gram in
            withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * k) { change in
              withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * k) { rows in
                for token in 0..<tokens {
                  sum += squaredChange(
                    token,
                    isPruned,
                    pruned,
                    k: k,
                    keeps: keeps,
                    order: order,
                    row: row,
                    shares: shares,
                    gram: gram,
                    triangle: triangle,
                    change: change,
                    rows: rows
                  )
                }
              }
            }
          }
        }
      }
    }
    return (max(0, sum) / normSum).squareRoot()
  }

  @inline(__always)
  private func squaredChange(
    _ token: Int,
    _ isPruned: [Bool],
    _ pruned: [Int],
    k: Int,
    keeps: Int,
    order: UnsafeBufferPointer<Int32>,
    row: UnsafeBufferPointer<Int32>,
    shares: UnsafeBufferPointer<Double>,
    gram: UnsafeBufferPointer<Float>,
    triangle: Int,
    change: UnsafeMutableBufferPointer<Double>,
    rows: UnsafeMutableBufferPointer<Int>
  ) -> Double {
    let first = token * candidates
    let share = token * experts
    var hits = 0
    for rank in 0..<k where isPruned[Int(order[first + rank])] { hits += 1 }
    var denominator = 0.0
    if !rule.normalizesTopK {
      var lost = 0.0
      for expert in pruned { lost += shares[share + expert] }
      denominator = totals[token] - lost
      if hits == 0 {
        let grown = totals[token] / denominator - 1
        return grown * grown * norms[token]
      }
    } else if hits == 0 {
      return 0
    }
    // The first k that are left; every rank before the last of them either stays or is pruned.
    var count = 0
    var found = 0
    var chosen = 0.0
    var rank = 0
    while rank < candidates, rank < k || found < keeps {
      let expert = Int(order[first + rank])
      let stays = !isPruned[expert] && found < keeps
      if stays || rank < k {
        rows[count] = Int(row[first + rank])
        change[count] = stays ? shares[share + expert] : 0
        if stays {
          found += 1
          chosen += shares[share + expert]
        }
        count += 1
      }
      rank += 1
    }
    if rule.normalizesTopK { denominator = chosen }
    for i in 0..<count {
      change[i] = (change[i] == 0 ? 0 : change[i] / denominator)
      if i < k { change[i] -= weights[token * k + i] }
    }
    let base = token * triangle
    var sum = 0.0
    for i in 0..<count {
      let a = rows[i]
      var cross = 0.0
      for j in 0..<i {
        let b = rows[j]
        let place = a > b ? a * (a + 1) / 2 + b : b * (b + 1) / 2 + a
        cross += change[j] * Double(gram[base + place])
      }
      sum += change[i] * (2 * cross + change[i] * Double(gram[base + a * (a + 1) / 2 + a]))
    }
    return sum
  }
}
