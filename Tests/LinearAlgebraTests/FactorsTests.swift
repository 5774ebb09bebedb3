import Testing

@testable import LinearAlgebra

@Suite("Low-rank factors")
struct FactorsTests {
  static func rowNorms(_ matrix: Matrix) -> [Double] {
    (0..<matrix.rows).map { row in
      matrix.row(row).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
  }

  @Test("a matrix of rank one is split into even halves")
  func byHand() throws {
    let w = Matrix(rows: 2, columns: 2, values: [0, 9, 0, 0])
    let factors = try LowRankFactors.plain(w, rank: 1)
    #expect(factors.left.values == [3, 0])
    #expect(factors.right.values == [0, 3])
    #expect(try factors.product().values == [0, 9, 0, 0])
    #expect(try factors.relativeError(to: w) == 0)
  }

  @Test(
    "plain factors reach the least error and are balanced",
    arguments: [(1, 8), (8, 1), (20, 33), (33, 20)]
  )
  func plain(m: Int, n: Int) throws {
    let w = try decaying(m, n, decay: 0.9)
    let squares = try eigenvalues(of: m <= n ? outerGram(w) : gram(w))
    var last = 1.0
    for rank in 1...min(m, n) {
      let factors = try LowRankFactors.plain(w, rank: rank)
      #expect(factors.rank == rank)
      let error = try factors.relativeError(to: w)
      #expect(abs(error - slowRelativeError(w, left: factors.left, right: factors.right)) < 1e-6)
      #expect(error <= tailError(eigenvalues: squares, rank: rank) * (1 + 1e-4) + 1e-6)
      #expect(error <= last + 1e-6)
      last = error
      for (a, b) in zip(Self.rowNorms(factors.left), Self.rowNorms(factors.right)) {
        #expect(abs(a - b) <= 1e-6 * b)
      }
    }
  }

  @Test("whitened factors are balanced and multiply to QQᵀW")
  func whitened() throws {
    let w = gaussian(12, 9)
    let moment = try gram(gaussian(40, 9, seed: 2))
    let factorization = try WhitenedFactorization(w, inputMoment: moment, rank: 4)
    let factors = try LowRankFactors.whitened(w, inputMoment: moment, rank: 4)
    let expected = slowProduct(
      transposed(factorization.basis.widened()),
      factorization.product.widened()
    )
    #expect(largestDifference(try factors.product().widened(), expected) < 1e-5)
    for (a, b) in zip(Self.rowNorms(factors.left), Self.rowNorms(factors.right)) {
      #expect(abs(a - b) <= 1e-6 * b)
    }
    // The factorization itself keeps its orthonormal basis.
    #expect(orthonormalityDefect(factorization.basis) < 2e-5)
  }

  @Test("a zero matrix has zero factors and no error")
  func zero() throws {
    let w = Matrix(rows: 4, columns: 6)
    let factors = try LowRankFactors.plain(w, rank: 2)
    #expect(factors.left.values.allSatisfy { $0 == 0 })
    #expect(factors.right.values.allSatisfy { $0 == 0 })
    #expect(try factors.relativeError(to: w) == 0)
  }

  @Test("tail error of a known spectrum")
  func tail() {
    #expect(tailError(eigenvalues: [9, 4, 3], rank: 1) == (7.0 / 16).squareRoot())
    #expect(tailError(eigenvalues: [9, 4, 3], rank: 0) == 1)
    #expect(tailError(eigenvalues: [9, 4, 3], rank: 3) == 0)
    #expect(tailError(eigenvalues: [9, 4, 3], rank: 9) == 0)
    #expect(tailError(eigenvalues: [0, 0], rank: 1) == 0)
    #expect(tailError(eigenvalues: [1, -1e-18], rank: 1) == 0)
    #expect(tailError(eigenvalues: [9], trace: 16) == (7.0 / 16).squareRoot())
  }

  @Test("threads do not change a bit")
  func threads() throws {
    let w = gaussian(600, 540)
    let one = try LowRankFactors.plain(w, rank: 40, threads: 1)
    let two = try LowRankFactors.plain(w, rank: 40, threads: 2)
    #expect(bits(one.left) == bits(two.left))
    #expect(bits(one.right) == bits(two.right))
    #expect(try one.relativeError(to: w, threads: 1) == two.relativeError(to: w, threads: 2))
  }

  @Test("wrong shapes, ranks and elements are refused")
  func refusals() throws {
    let w = gaussian(3, 4)
    #expect(throws: LinearAlgebraError.rankOutOfRange(rank: 4, limit: 3)) {
      _ = try LowRankFactors.plain(w, rank: 4)
    }
    let factors = try LowRankFactors.plain(w, rank: 2)
    #expect(throws: LinearAlgebraError.self) { _ = try factors.relativeError(to: gaussian(4, 3)) }
    w[0, 0] = .nan
    #expect(throws: LinearAlgebraError.self) { _ = try LowRankFactors.plain(w, rank: 2) }
  }
}
