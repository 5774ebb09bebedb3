import Testing

@testable import LinearAlgebra

@Suite("Matrix multiplication")
struct MatrixMultiplyTests {
  /// Single precision sums of up to 100 products of Gaussian numbers.
  static let tolerance = 1e-4
  static let shapes = [(1, 1, 1), (1, 7, 3), (5, 1, 4), (3, 4, 1), (17, 33, 29), (65, 40, 100)]

  @Test("a product done by hand")
  func byHand() throws {
    let a = Matrix(rows: 2, columns: 2, values: [1, 2, 3, 4])
    let b = Matrix(rows: 2, columns: 2, values: [5, 6, 7, 8])
    #expect(try multiply(a, b).values == [19, 22, 43, 50])
    #expect(try multiply(a, transposed: b).values == [17, 23, 39, 53])
    #expect(try multiply(transposed: a, b).values == [26, 30, 38, 44])
  }

  @Test("all three forms agree with the definition", arguments: shapes)
  func reference(n: Int, m: Int, k: Int) throws {
    let (a, b) = (gaussian(n, k, seed: 1), gaussian(k, m, seed: 2))
    let expected = slowProduct(a.widened(), b.widened())
    for result in [
      try multiply(a, b), try multiply(a, transposed: b.transposed()),
      try multiply(transposed: a.transposed(), b),
    ] {
      #expect(largestDifference(result.widened(), expected) < Self.tolerance)
    }
  }

  @Test("threads do not change a bit, across tile borders")
  func threads() throws {
    let (a, b) = (gaussian(1100, 130, seed: 1), gaussian(1050, 130, seed: 2))
    let one = try multiply(a, transposed: b, threads: 1)
    for threads in 2...4 {
      #expect(bits(try multiply(a, transposed: b, threads: threads)) == bits(one))
    }
    // A row across the first tile border, by the definition.
    let expected = slowProduct(a.copy(ofRows: 510..<514).widened(), transposed(b.widened()))
    #expect(largestDifference(one.copy(ofRows: 510..<514).widened(), expected) < Self.tolerance)
  }

  @Test("views write their region only, with alpha and beta")
  func views() throws {
    let (a, b) = (gaussian(6, 9, seed: 1), gaussian(5, 9, seed: 2))
    let c = Matrix(rows: 6, columns: 8, values: Array(repeating: 1, count: 48))
    let left = a.view.part(rows: 1..<4, columns: 2..<9)
    let right = b.view.part(rows: 0..<4, columns: 1..<8)
    let target = c.view.part(rows: 2..<5, columns: 3..<7)
    try multiply(left, transposed: right, into: target, alpha: 2, beta: 3)
    for row in 0..<6 {
      for column in 0..<8 {
        var expected = 1.0
        if (2..<5).contains(row) && (3..<7).contains(column) {
          expected = 3
          for k in 0..<7 {
            expected += 2 * Double(a[row - 1, 2 + k]) * Double(b[column - 3, 1 + k])
          }
        }
        #expect(abs(Double(c[row, column]) - expected) < Self.tolerance)
      }
    }
  }

  @Test("what the output held is ignored without beta, NaN included")
  func overwrites() throws {
    let c = Matrix(rows: 2, columns: 2, values: Array(repeating: .nan, count: 4))
    let a = Matrix(rows: 2, columns: 0)
    try multiply(a.view, transposed: a.view, into: c.view)
    #expect(c.values == [0, 0, 0, 0])
  }

  @Test("empty matrices multiply to empty ones")
  func empty() throws {
    #expect(try multiply(Matrix(rows: 0, columns: 3), Matrix(rows: 3, columns: 2)).rows == 0)
    #expect(try multiply(Matrix(rows: 2, columns: 3), Matrix(rows: 3, columns: 0)).columns == 0)
  }

  @Test("shapes that do not go together are refused")
  func mismatchedShapes() {
    #expect(throws: LinearAlgebraError.self) {
      try multiply(Matrix(rows: 2, columns: 3), Matrix(rows: 2, columns: 3))
    }
    #expect(throws: LinearAlgebraError.self) {
      try multiply(
        Matrix(rows: 2, columns: 3).view,
        transposed: Matrix(rows: 4, columns: 3).view,
        into: Matrix(rows: 2, columns: 3).view
      )
    }
  }

  @Test("sizes beyond 32 bits are refused before the call")
  func tooLarge() {
    let huge = MatrixView(
      pointer: Matrix(rows: 1, columns: 1).pointer,
      rows: 0,
      columns: 1 << 31,
      stride: 1 << 31
    )
    let output = Matrix(rows: 0, columns: 0)
    #expect(throws: LinearAlgebraError.tooLarge(operation: "matrix product", size: 1 << 31)) {
      try multiply(huge, transposed: huge, into: output.view)
    }
  }
}
