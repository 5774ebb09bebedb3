internal import CKernels

/// The 16 levels of IQ4_NL and IQ4_XS, and the search of a scale for them, after ggml's
/// `ggml-quants.c` (MIT licence, see NOTICE).
struct NonlinearLevels: @unchecked Sendable {
  /// ggml's `kvalues_iq4nl`, ascending.
  let values: UnsafePointer<Float>
  /// Between neighbours their sum, twice the place where the nearest one changes.
  private let changes: UnsafePointer<Float>

  /// The levels, made once and for good.
  static let shared: NonlinearLevels = {
    let values: [Float] = [
      -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]
    let room = UnsafeMutablePointer<Float>.allocate(capacity: 32)
    for i in 0..<16 {
      room[i] = values[i]
      room[16 + i] = i < 15 ? values[i] + values[i + 1] : .infinity
    }
    return NonlinearLevels(values: room, changes: room + 16)
  }()

  /// The number of the level nearest to `value`, the upper of two; for NaN the lowest.
  @inline(__always)
  func nearest(_ value: Float) -> Int {
    let doubled = value + value
    var index = doubled >= changes[7] ? 8 : 0
    index = doubled >= changes[index + 3] ? index + 4 : index
    index = doubled >= changes[index + 1] ? index + 2 : index
    index = doubled >= changes[index] ? index + 1 : index
    return index
  }
}

extension SearchRoom {
  /// The scale of least weighted squared error among 16 starting points, for the levels of
  /// ``NonlinearLevels``; ggml's `quantize_row_iq4_nl_impl`.
  ///
  /// - Parameter values: 32 values; `weights` holds what an error of each counts.
  /// - Returns: The scale, zero if all values are.
  func fitNonlinear(_ values: UnsafePointer<Float>) -> Float {
    let peak = extreme(values, 32)
    guard abs(peak) >= smallestScale else { return 0 }
    let table = NonlinearLevels.shared.values
    let (inverses, xq, qq) = (attempts, attempts + 16, attempts + 32)
    inverses[0] = 1 / (-peak / table[0])
    for attempt in 1..<16 { inverses[attempt] = (Float(attempt - 8) + table[0]) / peak }
    moepack_nonlinear_sums(values, weights, 32, table, inverses, xq, qq)
    var scale = qq[0] > 0 ? xq[0] / qq[0] : 0
    var gain = scale * xq[0]
    for attempt in 1..<16 where qq[attempt] > 0 {
      guard xq[attempt] * xq[attempt] > gain * qq[attempt] else { continue }
      scale = xq[attempt] / qq[attempt]
      gain = scale * xq[attempt]
    }
    return scale
  }
}
