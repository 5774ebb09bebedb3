internal import CKernels

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
  ///   - search: Where to look.
  ///   - levels: Receives q.
  /// - Returns: The scale, zero if no value differs from the smallest, and the minimum.
  func fitAffine(
    _ values: UnsafePointer<Float>,
    count: Int,
    highest: Float,
    search: Attempts,
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
    let inverse = highest / (largest - smallest)
    var scale = 1 / inverse
    var leastError: Float = 0
    for i in 0..<count {
      levels[i] = nearestLevel(inverse * (values[i] - smallest), 0, highest)
      let difference = scale * Float(levels[i]) + smallest - values[i]
      leastError += weights[i] * (search.isAbsolute ? abs(difference) : difference * difference)
    }
    let (inverses, q, qq, xq) = (room(0), room(1), room(2), room(3))
    let (scales, minima, errors) = (room(4), room(5), room(6))
    var attempt = 0
    while attempt <= search.further {
      for lane in 0..<4 {
        let start = search.first + search.step * Float(attempt + lane) + highest
        inverses[lane] = start / (largest - smallest)
      }
      moepack_affine_sums(values, weights, count, smallest, highest, inverses, trial, q, qq, xq)
      for lane in 0..<4 {
        // Where there is no solution the error is no number, and never the least.
        let determinant = w * qq[lane] - q[lane] * q[lane]
        let divisor = determinant > 0 ? determinant : .nan
        scales[lane] = (w * xq[lane] - x * q[lane]) / divisor
        minima[lane] = (qq[lane] * x - q[lane] * xq[lane]) / divisor
        if minima[lane] > 0 { (scales[lane], minima[lane]) = (xq[lane] / qq[lane], 0) }
      }
      moepack_affine_errors(
        values,
        weights,
        count,
        trial,
        scales,
        minima,
        search.isAbsolute ? 1 : 0,
        errors
      )
      let batch = attempt
      attempt += 4
      for lane in 0..<min(4, search.further - batch + 1) where errors[lane] < leastError {
        for i in 0..<count { levels[i] = nearestLevel(trial[4 * i + lane], 0, highest) }
        (leastError, scale) = (errors[lane], scales[lane])
        guard minima[lane] != smallest else { continue }
        // The attempts behind this one start from another range.
        smallest = minima[lane]
        attempt = batch + lane + 1
        break
      }
    }
    return (scale, -smallest)
  }

  /// Room for one number per attempt of four.
  private func room(_ number: Int) -> UnsafeMutablePointer<Float> { attempts + 4 * number }
}
