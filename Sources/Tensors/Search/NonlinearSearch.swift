/// The 16 levels of IQ4_NL and IQ4_XS, and the search of a scale for them, after ggml's
/// `ggml-quants.c` (MIT licence, see NOTICE).
struct NonlinearLevels {
  /// ggml's `kvalues_iq4nl`, ascending.
  static let table: InlineArray<16, Float> = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// The levels, and between neighbours their sum, twice the place where the nearest one changes.
  private let values: InlineArray<16, Float> = table
  private let changes: InlineArray<16, Float> = {
    var sums = InlineArray<16, Float>(repeating: .infinity)
    for i in 0..<15 { sums[i] = table[i] + table[i + 1] }
    return sums
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

  /// The scale of least weighted squared error among 16 starting points.
  ///
  /// - Parameters:
  ///   - group: 32 values.
  ///   - weights: What an error of each counts.
  /// - Returns: The scale, zero if all values are.
  func fit(_ group: UnsafePointer<Float>, _ weights: UnsafePointer<Float>) -> Float {
    let peak = extreme(group, 32)
    guard abs(peak) >= smallestScale else { return 0 }
    func sums(_ inverse: Float) -> (xq: Float, qq: Float) {
      var (xq, qq): (Float, Float) = (0, 0)
      for i in 0..<32 {
        let level = values[nearest(inverse * group[i])]
        let weighted = weights[i] * level
        xq += weighted * group[i]
        qq += weighted * level
      }
      return (xq, qq)
    }
    let first = sums(1 / (-peak / values[0]))
    var scale = first.qq > 0 ? first.xq / first.qq : 0
    var gain = scale * first.xq
    for attempt in -7...7 {
      let (xq, qq) = sums((Float(attempt) + values[0]) / peak)
      if qq > 0, xq * xq > gain * qq {
        scale = xq / qq
        gain = scale * xq
      }
    }
    return scale
  }
}
