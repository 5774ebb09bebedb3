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
  @inline(__always)
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
    var best: (scale: Float, gain: Float) = (0, 0)
    var bestInverse: Float = 0
    for step in -10...9 where step != 0 {
      // The first attempt is the plain one, and is taken however bad it is.
      let inverse = -(step == -10 ? Float(limit) : Float(limit) + 0.1 * Float(step)) / peak
      var (xq, qq): (Float, Float) = (0, 0)
      for i in 0..<count {
        let level = Float(nearestLevel(inverse * values[i], low, high))
        xq += products[i] * level
        qq += weights[i] * level * level
      }
      if step == -10 {
        let scale = qq != 0 ? xq / qq : 0
        best = (scale, scale * xq)
        bestInverse = inverse
      } else if qq > 0, xq * xq > best.gain * qq {
        best = (xq / qq, xq / qq * xq)
        bestInverse = inverse
      }
    }
    for i in 0..<count {
      levels[i] = nearestLevel(bestInverse * values[i], low, high) &+ Int32(limit)
    }
    return best.scale
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
  @inline(__always)
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
