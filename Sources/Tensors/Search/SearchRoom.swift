/// Memory for the search of a block's scales and levels, taken once per call.
struct SearchRoom {
  /// What an error of each value of a group counts.
  let weights: UnsafeMutablePointer<Float>
  /// Weight times value.
  let products: UnsafeMutablePointer<Float>
  /// Scale of each group of a block, its minimum, and the sum of its weights.
  let scales: UnsafeMutablePointer<Float>
  let minima: UnsafeMutablePointer<Float>
  let sums: UnsafeMutablePointer<Float>
  /// What attempts start from and what they give.
  let attempts: UnsafeMutablePointer<Float>
  /// The levels of a group in four attempts.
  let trial: UnsafeMutablePointer<Float>
  /// The stored integer of each value of a block.
  let levels: UnsafeMutablePointer<Int32>
  /// The stored integers of the groups' scales and minima.
  let scaleLevels: UnsafeMutablePointer<Int32>
  let minimumLevels: UnsafeMutablePointer<Int32>

  /// Values of the largest group, of the largest block, and the most groups of a block.
  private static let (group, block, groups) = (32, 256, 16)

  /// Calls `body` with room that is zero at first.
  static func with(_ body: (SearchRoom) -> Void) {
    let floats = 2 * group + 3 * groups + 64 + 4 * group
    let integers = block + 2 * groups
    withUnsafeTemporaryAllocation(of: Float.self, capacity: floats) { floats in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: integers) { integers in
        floats.initialize(repeating: 0)
        integers.initialize(repeating: 0)
        guard let f = floats.baseAddress, let i = integers.baseAddress else { return }
        body(
          SearchRoom(
            weights: f,
            products: f + group,
            scales: f + 2 * group,
            minima: f + 2 * group + groups,
            sums: f + 2 * group + 2 * groups,
            attempts: f + 2 * group + 3 * groups,
            trial: f + 2 * group + 3 * groups + 64,
            levels: i,
            scaleLevels: i + block,
            minimumLevels: i + block + groups
          )
        )
      }
    }
  }

  /// Sets `weights` to importance * sqrt(variance + value^2), and gives their sum.
  @inline(__always) @discardableResult
  func weigh(
    _ values: UnsafePointer<Float>,
    by importance: UnsafePointer<Float>,
    _ variance: Float,
    count: Int
  ) -> Float {
    var sum: Float = 0
    for i in 0..<count {
      weights[i] = importance[i] * (variance + values[i] * values[i]).squareRoot()
    }
    for i in 0..<count { sum += weights[i] }
    return sum
  }
}
