internal import CKernels
internal import Glibc

/// What is kept of one token's logits while vocabulary blocks pass: enough for its log-likelihood,
/// its likeliest next token, and the divergence from a reference.
struct TokenScore {
  /// Largest logit so far, and where.
  var largest = -Float.infinity
  var likeliest = -1
  /// Sum of exp(logit - largest), in Double.
  var sum = 0.0
  /// Logit of the token that follows.
  var target: Float = 0

  /// log of the sum of all exponentials.
  var logSum: Double { Double(largest) + log(sum) }

  /// Takes in a block of logits starting at `vocabularyStart`; leaves exponentials in `row`.
  ///
  /// - Returns: What earlier sums were multiplied by, and the block's own reference point.
  @discardableResult
  mutating func add(
    _ row: UnsafeMutableBufferPointer<Float>,
    vocabularyStart: Int,
    targetID: Int?
  ) -> Double {
    guard let base = row.baseAddress else { return 1 }
    if let targetID, targetID >= vocabularyStart, targetID < vocabularyStart + row.count {
      target = base[targetID - vocabularyStart]
    }
    let blockLargest = moepack_largest(base, row.count)
    var rescale = 1.0
    if blockLargest > largest {
      rescale = exp(Double(largest) - Double(blockLargest))
      largest = blockLargest
      likeliest = vocabularyStart + (row.firstIndex(of: blockLargest) ?? 0)
    }
    sum = sum * rescale + moepack_exp_in_place(base, row.count, largest)
    return rescale
  }
}

/// The same for a pair of a reference and a model.
struct PairScore {
  var reference = TokenScore()
  var model = TokenScore()
  /// Sum over the vocabulary of exp(r - largest r) * (r - m).
  var weightedDifference = 0.0

  /// KL(reference ‖ model) in nats.
  var divergence: Double {
    weightedDifference / reference.sum - reference.logSum + model.logSum
  }

  /// Takes in a block of both; leaves exponentials in both rows.
  mutating func add(
    reference r: UnsafeMutableBufferPointer<Float>,
    model m: UnsafeMutableBufferPointer<Float>,
    vocabularyStart: Int,
    targetID: Int?
  ) {
    precondition(r.count == m.count)
    var difference = [Float](repeating: 0, count: r.count)
    for i in 0..<r.count { difference[i] = r[i] - m[i] }
    let rescale = reference.add(r, vocabularyStart: vocabularyStart, targetID: targetID)
    model.add(m, vocabularyStart: vocabularyStart, targetID: targetID)
    var sum = 0.0
    for i in 0..<r.count { sum += Double(r[i]) * Double(difference[i]) }
    weightedDifference = weightedDifference * rescale + sum
  }
}
