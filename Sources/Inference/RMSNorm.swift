package import LinearAlgebra
internal import Parallelism

/// Root-mean-square normalisation (arXiv 1910.07467): y = x / sqrt(mean(x²) + epsilon) * weight.
package struct RMSNorm: Sendable {
  private let weight: [Float]
  private let epsilon: Double

  /// A norm with one weight per column.
  package init(weight: [Float], epsilon: Double) {
    self.weight = weight
    self.epsilon = epsilon
  }

  /// The normalised rows of `x` in `rows`, as a new matrix.
  package func callAsFunction(_ x: Matrix, rows: Range<Int>, threads: Int) -> Matrix {
    let result = Matrix(unfilledRows: rows.count, columns: x.columns)
    let block = 64
    parallelForEach(count: (rows.count + block - 1) / block, threads: threads) { number in
      for row in number * block..<min((number + 1) * block, rows.count) {
        normalize(x.row(rows.lowerBound + row), into: result.row(row))
      }
    }
    return result
  }

  /// The normalised rows of all of `x`.
  package func callAsFunction(_ x: Matrix, threads: Int) -> Matrix {
    self(x, rows: 0..<x.rows, threads: threads)
  }

  private func normalize(
    _ source: UnsafeMutableBufferPointer<Float>,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    var lanes = SIMD4<Double>.zero
    let count = source.count
    var i = 0
    while i + 4 <= count {
      let v = SIMD4<Double>(SIMD4<Float>(source[i], source[i + 1], source[i + 2], source[i + 3]))
      lanes += v * v
      i += 4
    }
    var sum = lanes[0] + lanes[1] + lanes[2] + lanes[3]
    while i < count {
      sum += Double(source[i]) * Double(source[i])
      i += 1
    }
    let scale = Float(1 / (sum / Double(count) + epsilon).squareRoot())
    weight.withUnsafeBufferPointer { weight in
      for i in 0..<count { target[i] = source[i] * scale * weight[i] }
    }
  }
}
