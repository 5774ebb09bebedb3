/// What is summed over the elements of two tensors, in Double and in a fixed order.
struct DifferenceSums: Sendable {
  private var squaredDifference = 0.0
  private var squaredReference = 0.0
  private var largest = 0.0

  /// Sums of no elements.
  init() {}

  /// Sums of the elements of `a` and of `b`, of which there are as many.
  init(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) {
    precondition(a.count == b.count)
    var (difference, reference, most) = (SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>())
    let whole = a.count / 4 * 4
    for start in stride(from: 0, to: whole, by: 4) {
      let x = SIMD4(
        Double(a[start]),
        Double(a[start + 1]),
        Double(a[start + 2]),
        Double(a[start + 3])
      )
      let y = SIMD4(
        Double(b[start]),
        Double(b[start + 1]),
        Double(b[start + 2]),
        Double(b[start + 3])
      )
      let d = x - y
      difference += d * d
      reference += x * x
      most = pointwiseMax(most, pointwiseMax(d, -d))
    }
    squaredDifference = difference.sum()
    squaredReference = reference.sum()
    largest = most.max()
    for index in whole..<a.count {
      let (x, d) = (Double(a[index]), Double(a[index]) - Double(b[index]))
      squaredDifference += d * d
      squaredReference += x * x
      largest = max(largest, abs(d))
    }
  }

  /// Takes in the sums of the elements that follow.
  mutating func add(_ other: DifferenceSums) {
    squaredDifference += other.squaredDifference
    squaredReference += other.squaredReference
    largest = max(largest, other.largest)
  }

  /// ‖A - B‖ / ‖A‖ in the Frobenius norm: infinite if only A is zero, NaN if a value is NaN or A is
  /// infinite.
  var relativeError: Double {
    if squaredDifference == 0 && squaredReference == 0 { return 0 }
    return (squaredDifference / squaredReference).squareRoot()
  }

  /// The largest |a - b|; NaN if any is.
  var maxAbsolute: Double { squaredDifference.isNaN ? .nan : largest }
}
