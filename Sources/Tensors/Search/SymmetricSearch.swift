internal import CKernels

/// Searches of a scale d with x ~ d * q, q in -limit...limit-1, after ggml's `ggml-quants.c`
/// (MIT licence, see NOTICE).
extension SearchRoom {
  /// The scale of least weighted squared error among 19 starting points, and its levels.
  ///
  /// Each start puts the value of largest magnitude near -limit. For its levels q the best scale
  /// is sum(w x q) / sum(w q q), and the error falls with (sum(w x q))^2 / sum(w q q). ggml's
  /// `make_qx_quants` for error type 1.
  ///
  /// - Parameters:
  ///   - values: The group's values.
  ///   - count: Their number, 32 at most.
  ///   - limit: Half the number of levels.
  ///   - weights: What an error of each counts.
  ///   - levels: Receives q + limit.
  /// - Returns: The scale, zero if all values are.
  func fitSymmetric(
    _ values: UnsafePointer<Float>,
    count: Int,
    limit: Int,
    weights: UnsafePointer<Float>,
    levels: UnsafeMutablePointer<Int32>
  ) -> Float {
    let peak = extreme(values, count)
    guard abs(peak) >= smallestScale else {
      for i in 0..<count { levels[i] = 0 }
      return 0
    }
    let (low, high) = (-Float(limit), Float(limit - 1))
    for i in 0..<count { products[i] = weights[i] * values[i] }
    let (inverses, xq, qq) = (attempts, attempts + 20, attempts + 40)
    for attempt in 0..<20 { inverses[attempt] = -start(attempt, limit) / peak }
    moepack_symmetric_sums(values, weights, products, count, Float(limit), inverses, xq, qq)
    // The plain attempt is taken however bad it is.
    var scale = qq[0] != 0 ? xq[0] / qq[0] : 0
    var gain = scale * xq[0]
    var best = inverses[0]
    for attempt in 1..<19 where qq[attempt] > 0 {
      guard xq[attempt] * xq[attempt] > gain * qq[attempt] else { continue }
      scale = xq[attempt] / qq[attempt]
      gain = scale * xq[attempt]
      best = inverses[attempt]
    }
    for i in 0..<count {
      levels[i] = nearestLevel(best * values[i], low, high) &+ Int32(limit)
    }
    return scale
  }

  /// Where an attempt puts the value of largest magnitude: the plain limit first, then 0.9 below it
  /// to 0.9 above it.
  @inline(__always)
  private func start(_ attempt: Int, _ limit: Int) -> Float {
    guard attempt > 0 else { return Float(limit) }
    let step = attempt < 10 ? attempt - 10 : attempt - 9
    return Float(limit) + 0.1 * Float(step)
  }

  /// Levels that are improved one by one, weighted by the squares of the values: ggml's
  /// `make_q3_quants`.
  ///
  /// - Parameters:
  ///   - values: The group's values.
  ///   - count: Their number, 32 at most.
  ///   - limit: Half the number of levels.
  ///   - levels: Receives q + limit.
  /// - Returns: The scale, zero if all values are.
  func fitSymmetricByTurns(
    _ values: UnsafePointer<Float>,
    count: Int,
    limit: Int,
    levels: UnsafeMutablePointer<Int32>
  ) -> Float {
    let peak = extreme(values, count)
    guard abs(peak) >= smallestScale else {
      for i in 0..<count { levels[i] = 0 }
      return 0
    }
    let (low, high) = (-Float(limit), Float(limit - 1))
    let inverse = low / peak
    var (xq, qq): (Float, Float) = (0, 0)
    for i in 0..<count {
      levels[i] = nearestLevel(inverse * values[i], low, high)
      let level = Float(levels[i])
      weights[i] = values[i] * values[i]
      products[i] = weights[i] * values[i]
      xq += products[i] * level
      qq += weights[i] * level * level
    }
    for _ in 0..<5 {
      var hasChanged = false
      for i in 0..<count {
        let old = Float(levels[i])
        var otherXQ = xq - products[i] * old
        guard otherXQ > 0 else { continue }
        var otherQQ = qq - weights[i] * old * old
        let level = nearestLevel(values[i] * otherQQ / otherXQ, low, high)
        guard level != levels[i] else { continue }
        otherXQ += products[i] * Float(level)
        otherQQ += weights[i] * Float(level) * Float(level)
        if otherQQ > 0, otherXQ * otherXQ * qq > xq * xq * otherQQ {
          levels[i] = level
          (xq, qq) = (otherXQ, otherQQ)
          hasChanged = true
        }
      }
      guard hasChanged else { break }
    }
    for i in 0..<count { levels[i] &+= Int32(limit) }
    return qq > 0 ? xq / qq : 0
  }
}
