import Testing

@testable import LinearAlgebra

@Suite("Gram matrices")
struct GramTests {
  /// Double sums of Gaussian products; only the order of adding differs.
  static let tolerance = 1e-10

  @Test("both forms agree with the definition", arguments: [(1, 1), (1, 5), (7, 1), (600, 40)])
  func reference(rows: Int, columns: Int) throws {
    let x = gaussian(rows, columns)
    let wide = x.widened()
    let inner = slowProduct(transposed(wide), wide)
    #expect(largestDifference(try gram(x), inner) < Self.tolerance)
    #expect(largestDifference(try outerGram(x.transposed()), inner) < Self.tolerance)
  }

  @Test("threads do not change a bit, across tile borders")
  func threads() throws {
    let x = gaussian(1030, 600)
    #expect(bits(try gram(x, threads: 1)) == bits(try gram(x, threads: 2)))
    #expect(bits(try outerGram(x, threads: 1)) == bits(try outerGram(x, threads: 3)))
  }

  @Test("the result is symmetric to the bit")
  func symmetric() throws {
    let result = try gram(gaussian(50, 530))
    #expect(bits(result) == bits(transposed(result)))
  }

  @Test("rows may be added in pieces")
  func pieces() throws {
    let x = gaussian(1024, 30)
    let sum = DoubleMatrix(rows: 30, columns: 30)
    for rows in [0..<512, 512..<1024] {
      _ = try gram(x.view(ofRows: rows), addingTo: sum)
    }
    #expect(bits(sum) == bits(try gram(x)))
    #expect(throws: LinearAlgebraError.self) {
      _ = try gram(x.view, addingTo: DoubleMatrix(rows: 2, columns: 2))
    }
  }
}
