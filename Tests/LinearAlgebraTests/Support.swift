@testable import LinearAlgebra

/// A matrix of Gaussian numbers that depends only on its shape and `seed`.
func gaussian(_ rows: Int, _ columns: Int, seed: UInt64 = 1) -> Matrix {
  var generator = SeededGenerator(seed: seed, stream: UInt64(rows * 10_000 + columns))
  return Matrix.gaussian(rows: rows, columns: columns, generator: &generator)
}

/// Gaussian factors around a diagonal: singular values fall about like `decay` to the power i.
func decaying(_ rows: Int, _ columns: Int, decay: Double, seed: UInt64 = 1) throws -> Matrix {
  let inner = min(rows, columns)
  let (left, right) = (gaussian(rows, inner, seed: seed), gaussian(inner, columns, seed: seed + 1))
  var factor = 1.0
  for row in 0..<inner {
    for column in 0..<columns { right[row, column] *= Float(factor) }
    factor *= decay
  }
  return try multiply(left, right)
}

/// A matrix of the given rank at most.
func lowRank(_ rows: Int, _ columns: Int, rank: Int, seed: UInt64 = 1) throws -> Matrix {
  try multiply(gaussian(rows, rank, seed: seed), gaussian(rank, columns, seed: seed + 1))
}

/// A B by the definition, in Double.
func slowProduct(_ a: DoubleMatrix, _ b: DoubleMatrix) -> DoubleMatrix {
  let result = DoubleMatrix(rows: a.rows, columns: b.columns)
  for i in 0..<a.rows {
    for j in 0..<b.columns {
      var sum = 0.0
      for k in 0..<a.columns { sum += a[i, k] * b[k, j] }
      result[i, j] = sum
    }
  }
  return result
}

/// A copy with rows and columns exchanged.
func transposed(_ a: DoubleMatrix) -> DoubleMatrix {
  let result = DoubleMatrix(rows: a.columns, columns: a.rows)
  for i in 0..<a.rows { for j in 0..<a.columns { result[j, i] = a[i, j] } }
  return result
}

/// The largest difference of two matrices of the same shape.
func largestDifference(_ a: DoubleMatrix, _ b: DoubleMatrix) -> Double {
  precondition(a.rows == b.rows && a.columns == b.columns)
  var largest = 0.0
  for index in a.elements.indices {
    let difference = abs(a.elements[index] - b.elements[index])
    // NaN must count as a difference.
    largest = difference <= largest ? largest : difference
  }
  return largest
}

/// How far the rows are from orthonormal: the largest element of |A Aᵀ - I|.
func orthonormalityDefect(_ rows: Matrix) -> Double {
  let wide = rows.widened()
  let product = slowProduct(wide, transposed(wide))
  for index in 0..<product.rows { product[index, index] -= 1 }
  return largestDifference(product, DoubleMatrix(rows: product.rows, columns: product.columns))
}

/// ‖W - LᵀR‖ / ‖W‖ by the definition, in Double.
func slowRelativeError(_ w: Matrix, left: Matrix, right: Matrix) -> Double {
  let product = slowProduct(transposed(left.widened()), right.widened())
  var (part, whole) = (0.0, 0.0)
  for index in w.elements.indices {
    let value = Double(w.elements[index])
    part += (value - product.elements[index]) * (value - product.elements[index])
    whole += value * value
  }
  return whole > 0 ? (part / whole).squareRoot() : 0
}

/// Eigenvalues, largest first, by cyclic Jacobi rotations: slow, plain, and very exact.
func jacobiEigenvalues(_ matrix: DoubleMatrix) -> [Double] {
  let n = matrix.rows
  let a = matrix.copy()
  for _ in 0..<60 {
    var off = 0.0
    for p in 0..<n { for q in p + 1..<max(p + 1, n) { off += a[p, q] * a[p, q] } }
    if off == 0 { break }
    for p in 0..<n {
      for q in p + 1..<max(p + 1, n) where a[p, q] != 0 {
        let theta = (a[q, q] - a[p, p]) / (2 * a[p, q])
        let sign = theta < 0 ? -1.0 : 1.0
        let t = sign / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<n {
          let (x, y) = (a[k, p], a[k, q])
          a[k, p] = c * x - s * y
          a[k, q] = s * x + c * y
        }
        for k in 0..<n {
          let (x, y) = (a[p, k], a[q, k])
          a[p, k] = c * x - s * y
          a[q, k] = s * x + c * y
        }
      }
    }
  }
  return (0..<n).map { a[$0, $0] }.sorted(by: >)
}

/// The bits of all elements.
func bits(_ matrix: Matrix) -> [UInt32] { matrix.values.map(\.bitPattern) }

/// The bits of all elements.
func bits(_ matrix: DoubleMatrix) -> [UInt64] { matrix.values.map(\.bitPattern) }
