/// Search of a scale and a minimum with x ~ scale * q - minimum, q in 0...highest, after ggml's
/// `ggml-quants.c` (MIT licence, see NOTICE).
extension SearchRoom {
  /// Where the attempts of an affine search start.
  struct Attempts {
    /// The first is at (highest + first) / (largest - smallest), each next one `step` further.
    var first: Float
    var step: Float
    /// How many follow the first.
    var further: Int
    /// Whether errors count by their magnitude, not by their square.
    var isAbsolute = false

    /// ggml's choice with importance weights.
    static let weighted = Attempts(first: -0.9, step: 0.05, further: 36)
  }

  /// The scale and minimum of least weighted error, with their levels.
  ///
  /// For the levels of an attempt both follow from the normal equations of weighted least squares,
  /// the minimum held at zero or above. ggml's `make_qkx2_quants` and `make_qkx3_quants`, which do
  /// the same; as there, a better fit moves the range that later attempts start from.
  ///
  /// - Parameters:
  ///   - values: The group's values; `weights` holds what an error of each counts.
  ///   - count: Their number, 32 at most.
  ///   - highest: The largest level.
  ///   - attempts: Where to look.
  ///   - levels: Receives q.
  /// - Returns: The scale, zero if no value differs from the smallest, and the minimum.
  @inline(__always)
  func fitAffine(
    _ values: UnsafePointer<Float>,
    count: Int,
    highest: Float,
    attempts: Attempts,
    levels: UnsafeMutablePointer<Int32>
  ) -> (scale: Float, minimum: Float) {
    var (smallest, largest) = (values[0], values[0])
    var (w, x): (Float, Float) = (0, 0)
    for i in 0..<count {
      smallest = values[i] < smallest ? values[i] : smallest
      largest = values[i] > largest ? values[i] : largest
      products[i] = weights[i] * values[i]
      w += weights[i]
      x += products[i]
    }
    if smallest > 0 { smallest = 0 }
    guard largest > smallest else {
      for i in 0..<count { levels[i] = 0 }
      return (0, -smallest)
    }
    var inverse = highest / (largest - smallest)
    var scale = 1 / inverse
    var leastError: Float = 0
    for i in 0..<count {
      levels[i] = nearestLevel(inverse * (values[i] - smallest), 0, highest)
      let difference = scale * Float(levels[i]) + smallest - values[i]
      leastError += weights[i] * (attempts.isAbsolute ? abs(difference) : difference * difference)
    }
    for attempt in 0...attempts.further {
      inverse = (attempts.first + attempts.step * Float(attempt) + highest) / (largest - smallest)
      var (q, qq, xq): (Float, Float, Float) = (0, 0, 0)
      for i in 0..<count {
        let integer = nearestLevel(inverse * (values[i] - smallest), 0, highest)
        trial[i] = integer
        let level = Float(integer)
        let weighted = weights[i] * level
        q += weighted
        qq += weighted * level
        xq += weighted * values[i]
      }
      let determinant = w * qq - q * q
      guard determinant > 0 else { continue }
      var newScale = (w * xq - x * q) / determinant
      var newSmallest = (qq * x - q * xq) / determinant
      if newSmallest > 0 {
        newSmallest = 0
        newScale = xq / qq
      }
      var error: Float = 0
      for i in 0..<count {
        let difference = newScale * Float(trial[i]) + newSmallest - values[i]
        error += weights[i] * (attempts.isAbsolute ? abs(difference) : difference * difference)
      }
      if error < leastError {
        for i in 0..<count { levels[i] = trial[i] }
        (leastError, scale, smallest) = (error, newScale, newSmallest)
      }
    }
    return (scale, -smallest)
  }
}
