import Testing

@testable import LinearAlgebra

@Suite("Cholesky factorization")
struct CholeskyTests {
  static let tolerance = 1e-10

  @Test("a 2x2 matrix done by hand")
  func byHand() throws {
    let factor = try Cholesky(DoubleMatrix(rows: 2, columns: 2, values: [4, 2, 2, 10]))
    #expect(factor.lower.values == [2, 0, 1, 3])
  }

  @Test("the factor multiplies back to the matrix, and products undo solutions")
  func inverse() throws {
    let matrix = try gram(gaussian(30, 20))
    let factor = try Cholesky(matrix)
    let (l, lt) = (factor.lower, transposed(factor.lower))
    #expect(largestDifference(slowProduct(l, lt), matrix) < Self.tolerance)

    let x = gaussian(7, 20).widened()
    let right = x.copy()
    try factor.multiplyFromRight(right)
    #expect(largestDifference(right, slowProduct(x, l)) < Self.tolerance)
    try factor.solveFromRight(right)
    #expect(largestDifference(right, x) < Self.tolerance)
    try factor.multiplyTransposedFromRight(right)
    #expect(largestDifference(right, slowProduct(x, lt)) < Self.tolerance)

    let y = gaussian(20, 6).widened()
    let left = y.copy()
    try factor.multiplyTransposedFromLeft(left)
    #expect(largestDifference(left, slowProduct(lt, y)) < Self.tolerance)
    let solution = slowProduct(l, y)
    try factor.solveFromLeft(solution)
    #expect(largestDifference(solution, y) < Self.tolerance)
  }

  @Test("a matrix that is not positive definite is refused by its pivot")
  func refusal() {
    let matrix = DoubleMatrix(rows: 3, columns: 3, values: [1, 0, 0, 0, -1, 0, 0, 0, 1])
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 3, pivot: 1)) {
      _ = try Cholesky(matrix)
    }
    #expect(throws: LinearAlgebraError.self) {
      let factor = try Cholesky(DoubleMatrix(rows: 1, columns: 1, values: [1]))
      try factor.multiplyFromRight(DoubleMatrix(rows: 2, columns: 2))
    }
  }
}
