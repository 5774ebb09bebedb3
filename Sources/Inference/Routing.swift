internal import Glibc
package import LinearAlgebra
internal import Parallelism

/// How a family turns router logits into experts and weights.
package struct RoutingRule: Sendable {
  /// Experts per token, k.
  package var topK: Int
  /// Whether the k weights are scaled to sum to one.
  package var normalizesTopK: Bool

  /// A rule for k experts per token.
  package init(topK: Int, normalizesTopK: Bool) {
    self.topK = topK
    self.normalizesTopK = normalizesTopK
  }

  /// Routes one token among `allowed` experts: softmax over them, the k likeliest, in descending
  /// order of logit (equal logits: the lower expert first).
  ///
  /// - Parameters:
  ///   - logits: One per expert.
  ///   - allowed: Positions in `logits`, ascending.
  ///   - count: How many experts to return; the first `topK` carry the weights, further ones zero.
  ///   - experts: Receives positions in `logits`; room for `count`.
  ///   - weights: Receives their weights; room for `count`.
  /// - Returns: How many were chosen, min(count, allowed).
  @discardableResult
  func route(
    _ logits: UnsafeBufferPointer<Float>,
    allowed: [Int],
    count: Int,
    experts: UnsafeMutablePointer<Int32>,
    weights: UnsafeMutablePointer<Double>
  ) -> Int {
    let chosen = min(count, allowed.count)
    var filled = 0
    // Insertion into a short sorted list: k is small, and equal logits keep their order.
    for expert in allowed {
      let logit = logits[expert]
      var place = filled
      while place > 0, logits[Int(experts[place - 1])] < logit { place -= 1 }
      guard place < chosen else { continue }
      var slot = min(filled, chosen - 1)
      while slot > place {
        experts[slot] = experts[slot - 1]
        slot -= 1
      }
      experts[place] = Int32(expert)
      filled = min(filled + 1, chosen)
    }
    let weighted = min(topK, chosen)
    let largest = Double(logits[Int(experts[0])])
    var total = 0.0
    if normalizesTopK {
      for slot in 0..<weighted { total += exp(Double(logits[Int(experts[slot])]) - largest) }
    } else {
      for expert in allowed { total += exp(Double(logits[expert]) - largest) }
    }
    for slot in 0..<chosen {
      weights[slot] =
        slot < weighted ? exp(Double(logits[Int(experts[slot])]) - largest) / total : 0
    }
    return chosen
  }
}

/// The experts of a batch of tokens.
package struct Routing: Sendable {
  /// Number of tokens.
  package let tokenCount: Int
  /// Experts listed per token.
  package let width: Int
  /// Positions of the experts, [tokens, width], by descending logit.
  package let experts: [Int32]
  /// Their weights, [tokens, width]; zero past the rule's k.
  package let weights: [Double]

  /// Routes every row of `logits` [tokens, E] among `allowed`, listing `width` experts (k by
  /// default; more to know who would come next).
  package init(
    _ logits: Matrix,
    rule: RoutingRule,
    allowed: [Int],
    width: Int? = nil,
    threads: Int
  ) {
    tokenCount = logits.rows
    let width = min(width ?? rule.topK, allowed.count)
    self.width = width
    let count = logits.rows * width
    let experts = UnsafeMutableBufferPointer<Int32>.allocate(capacity: count)
    let weights = UnsafeMutableBufferPointer<Double>.allocate(capacity: count)
    defer {
      experts.deallocate()
      weights.deallocate()
    }
    nonisolated(unsafe) let expertBase = experts.baseAddress
    nonisolated(unsafe) let weightBase = weights.baseAddress
    let block = 256
    parallelForEach(count: (logits.rows + block - 1) / block, threads: threads) { number in
      guard let expertBase, let weightBase else { return }
      for token in number * block..<min((number + 1) * block, logits.rows) {
        rule.route(
          UnsafeBufferPointer(logits.row(token)),
          allowed: allowed,
          count: width,
          experts: expertBase + token * width,
          weights: weightBase + token * width
        )
      }
    }
    self.experts = Array(experts)
    self.weights = Array(weights)
  }

  /// Sorts tokens by the experts they are sent to.
  ///
  /// - Parameter expertCount: Positions in the router, E.
  /// - Returns: For each position its rows, ascending, with their slot in `experts`.
  package func rowsByExpert(_ expertCount: Int) -> [[RoutedRow]] {
    var lists = [[RoutedRow]](repeating: [], count: expertCount)
    for token in 0..<tokenCount {
      for slot in 0..<width {
        lists[Int(experts[token * width + slot])].append(
          RoutedRow(token: Int32(token), slot: Int32(slot))
        )
      }
    }
    return lists
  }
}

/// A token that an expert computes, and which of the token's experts it is.
package struct RoutedRow: Sendable {
  /// Row in the batch.
  package var token: Int32
  /// Place in the token's list of experts.
  package var slot: Int32

  /// Token `token`, whose expert number `slot` this is.
  package init(token: Int32, slot: Int32) {
    self.token = token
    self.slot = slot
  }
}
