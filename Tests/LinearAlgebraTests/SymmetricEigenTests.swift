import Testing

@testable import LinearAlgebra

@Suite("Symmetric eigenproblem")
struct SymmetricEigenTests {
  /// Relative to the largest eigenvalue.
  static let tolerance = 1e-12

  @Test("a 2x2 matrix done by hand")
  func byHand() throws {
    let matrix = DoubleMatrix(rows: 2, columns: 2, values: [2, 1, 1, 2])
    let eigen = try symmetricEigen(of: matrix, count: 2)
    #expect(abs(eigen.values[0] - 3) < Self.tolerance)
    #expect(abs(eigen.values[1] - 1) < Self.tolerance)
    #expect(abs(abs(eigen.vectors[0, 0]) - 0.5.squareRoot()) < Self.tolerance)
    #expect(eigen.vectors[0, 0] * eigen.vectors[0, 1] > 0)
    #expect(eigen.vectors[1, 0] * eigen.vectors[1, 1] < 0)
  }

  @Test(
    "values agree with Jacobi rotations, vectors with the definition",
    arguments: [(1, 1), (2, 1), (9, 9), (40, 3), (40, 8), (40, 9), (40, 39), (40, 40)]
  )
  func reference(order: Int, count: Int) throws {
    let matrix = try gram(gaussian(order + 5, order))
    let expected = jacobiEigenvalues(matrix)
    let eigen = try symmetricEigen(of: matrix, count: count)
    let all = try eigenvalues(of: matrix)
    for index in 0..<count {
      #expect(abs(eigen.values[index] - expected[index]) < Self.tolerance * expected[0])
      #expect(abs(all[index] - expected[index]) < Self.tolerance * expected[0])
    }
    let image = slowProduct(eigen.vectors, matrix)
    for row in 0..<count {
      for column in 0..<order {
        let difference = image[row, column] - eigen.values[row] * eigen.vectors[row, column]
        #expect(abs(difference) < Self.tolerance * expected[0])
      }
    }
    let square = slowProduct(eigen.vectors, transposed(eigen.vectors))
    for index in 0..<count { square[index, index] -= 1 }
    let zero = DoubleMatrix(rows: count, columns: count)
    #expect(largestDifference(square, zero) < Self.tolerance)
  }

  @Test("repeated and zero eigenvalues give orthonormal vectors", arguments: [1, 4, 30])
  func degenerate(count: Int) throws {
    let identity = DoubleMatrix(rows: 30, columns: 30)
    for index in 0..<30 { identity[index, index] = 1 }
    for matrix in [identity, DoubleMatrix(rows: 30, columns: 30)] {
      let eigen = try symmetricEigen(of: matrix, count: count)
      #expect(eigen.values.allSatisfy { $0 == matrix[0, 0] })
      #expect(orthonormalityDefect(eigen.vectors.narrowed()) < 1e-6)
    }
  }

  @Test("wrong shapes, counts and elements are refused")
  func refusals() {
    let square = DoubleMatrix(rows: 3, columns: 3)
    #expect(throws: LinearAlgebraError.rankOutOfRange(rank: 4, limit: 3)) {
      _ = try symmetricEigen(of: square, count: 4)
    }
    #expect(throws: LinearAlgebraError.rankOutOfRange(rank: 0, limit: 3)) {
      _ = try symmetricEigen(of: square, count: 0)
    }
    #expect(throws: LinearAlgebraError.self) {
      _ = try symmetricEigen(of: DoubleMatrix(rows: 2, columns: 3), count: 1)
    }
    square[1, 2] = .nan
    #expect(throws: LinearAlgebraError.self) { _ = try symmetricEigen(of: square, count: 1) }
  }
}
