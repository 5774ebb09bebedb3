/// Search of the scale that the groups' own scales are stored with, after ggml's `ggml-quants.c`
/// (MIT licence, see NOTICE).
extension SearchRoom {
  /// A scale d with x ~ d * q, q in 0...highest, for values that are not negative.
  ///
  /// Nine starting points, then levels improved one by one as long as the weighted error falls:
  /// ggml's `make_qp_quants`.
  ///
  /// - Parameters:
  ///   - values: Scales or minima of groups; `sums` holds what an error of each counts.
  ///   - count: Their number, 16 at most.
  ///   - highest: The largest level.
  ///   - levels: Receives q.
  /// - Returns: The scale, zero if all values are.
  func fitScales(
    _ values: UnsafePointer<Float>,
    count: Int,
    highest: Float,
    levels: UnsafeMutablePointer<Int32>
  ) -> Float {
    var largest: Float = 0
    for i in 0..<count { largest = values[i] > largest ? values[i] : largest }
    guard largest >= smallestScale else {
      for i in 0..<count { levels[i] = 0 }
      return 0
    }
    func squaredError(_ inverse: Float) -> Float {
      let scale = 1 / inverse
      var error: Float = 0
      for i in 0..<count {
        let difference = values[i] - scale * Float(nearestLevel(inverse * values[i], 0, highest))
        error += sums[i] * difference * difference
      }
      return error
    }
    var inverse = highest / largest
    var leastError = squaredError(inverse)
    for step in -4...4 where step != 0 {
      let other = (0.1 * Float(step) + highest) / largest
      let error = squaredError(other)
      if error < leastError { (leastError, inverse) = (error, other) }
    }
    var (xq, qq): (Float, Float) = (0, 0)
    for i in 0..<count {
      levels[i] = nearestLevel(inverse * values[i], 0, highest)
      xq += sums[i] * values[i] * Float(levels[i])
      qq += sums[i] * Float(levels[i]) * Float(levels[i])
    }
    for _ in 0..<5 {
      var hasChanged = false
      for i in 0..<count {
        let old = Float(levels[i])
        var otherXQ = xq - sums[i] * values[i] * old
        var otherQQ = qq - sums[i] * old * old
        guard otherXQ > 0, otherQQ > 0 else { continue }
        let level = nearestLevel(values[i] * otherQQ / otherXQ, 0, highest)
        guard level != levels[i] else { continue }
        otherXQ += sums[i] * values[i] * Float(level)
        otherQQ += sums[i] * Float(level) * Float(level)
        if otherXQ * otherXQ * qq > xq * xq * otherQQ {
          levels[i] = level
          (xq, qq) = (otherXQ, otherQQ)
          hasChanged = true
        }
      }
      guard hasChanged else { break }
    }
    return qq > 0 ? xq / qq : 0
  }
}
