internal import Glibc
internal import Inference

/// The error of leaving out each expert in turn, under exact re-routing, from the outputs of each
/// token's k + 1 likeliest experts: the importance of MoE-I² (arXiv 2411.01016, "Layer Importance
/// Analysis").
///
/// Without expert e, a token that used it takes its (k+1)-th choice; where weights are not
/// renormalised the softmax loses e's share, so every other token's weights grow too. The squared
/// change is dᵀ G d, d the change of weights and G the Gram matrix of the outputs involved.
struct LeaveOneOut {
  /// Squared errors per expert.
  private(set) var squaredErrors: [Double]
  /// Sum of ‖Y(x)‖².
  private(set) var squaredNorm = 0.0
  private let rule: RoutingRule

  init(experts: Int, rule: RoutingRule) {
    squaredErrors = [Double](repeating: 0, count: experts)
    self.rule = rule
  }

  /// Errors relative to the layer's output; zero where that is zero.
  var relative: [Double] {
    squaredErrors.map { squaredNorm > 0 ? ($0 / squaredNorm).squareRoot() : 0 }
  }

  /// Adds another's sums.
  mutating func add(_ other: LeaveOneOut) {
    squaredNorm += other.squaredNorm
    for expert in squaredErrors.indices { squaredErrors[expert] += other.squaredErrors[expert] }
  }

  /// Takes in one token.
  ///
  /// - Parameters:
  ///   - logits: Router logits of all experts.
  ///   - allowed: Positions in use, ascending.
  ///   - experts: The token's experts by descending logit, k + 1 of them if there are so many.
  ///   - weights: Their weights; zero past the k-th.
  ///   - gram: Inner products of their outputs, row by row, [experts, experts].
  mutating func add(
    logits: UnsafeBufferPointer<Float>,
    allowed: [Int],
    experts: UnsafeBufferPointer<Int32>,
    weights: UnsafeBufferPointer<Double>,
    gram: [Double]
  ) {
    let width = experts.count
    let used = min(rule.topK, width)
    var norm = 0.0
    for i in 0..<used {
      for j in 0..<used { norm += weights[i] * weights[j] * gram[i * width + j] }
    }
    squaredNorm += norm
    let largest = Double(logits[Int(experts[0])])
    func share(_ expert: Int) -> Double { exp(Double(logits[expert]) - largest) }
    var total = 0.0
    if !rule.normalizesTopK {
      for expert in allowed { total += share(expert) }
      for expert in allowed {
        let grown = total / (total - share(expert)) - 1
        if !experts.prefix(used).contains(Int32(expert)) {
          squaredErrors[expert] += grown * grown * norm
        }
      }
    }
    var change = [Double](repeating: 0, count: width)
    for removed in 0..<used {
      // The denominator over what is left: its k for a renormalising router, all of S otherwise.
      var rest = total - (rule.normalizesTopK ? 0 : share(Int(experts[removed])))
      if rule.normalizesTopK {
        rest = 0
        for slot in 0..<width where slot != removed { rest += share(Int(experts[slot])) }
      }
      for slot in 0..<width {
        let new = slot == removed ? 0 : share(Int(experts[slot])) / rest
        change[slot] = new - weights[slot]
      }
      if rest <= 0 {
        for slot in 0..<width { change[slot] = -weights[slot] }
      }
      var error = 0.0
      for i in 0..<width {
        for j in 0..<width { error += change[i] * change[j] * gram[i * width + j] }
      }
      squaredErrors[Int(experts[removed])] += error
    }
  }
}
