import Glibc
import LinearAlgebra
import Testing

@testable import Inference

/// Dense and factored maps, and the gated block made of three of them.
@Suite struct LinearOperatorTests {
  /// Float32 sums of a few dozen products.
  static let tolerance = 1e-5

  @Test("factors that are never multiplied out give the outputs of their product")
  func factorsEqualTheirProduct() throws {
    for (m, n, rank) in [(40, 24, 7), (24, 40, 24), (5, 3, 1)] {
      let factors = LowRankFactors(
        storedLeft: gaussian(rank, m, seed: 1),
        right: gaussian(rank, n, seed: 2)
      )
      let thin = LinearOperator.factors(factors)
      let dense = LinearOperator.dense(try factors.product())
      #expect(thin.outputs == m && dense.outputs == m)
      #expect(thin.inputs == n && dense.inputs == n)
      let x = gaussian(33, n, seed: 3)
      let (a, b) = (try thin(x, threads: 2), try dense(x, threads: 2))
      #expect(a.rows == 33 && a.columns == m)
      #expect(relativeDifference(a.values, b.values) <= LinearOperatorTests.tolerance)
    }
  }

  @Test("a dense map is X Wᵀ")
  func denseEqualsDefinition() throws {
    let (x, w) = (gaussian(17, 30, seed: 4), gaussian(12, 30, seed: 5))
    let y = try LinearOperator.dense(w)(x, threads: 1)
    let expected = slowProduct(rows(x), transposed: rows(w)).flatMap { $0 }
    #expect(relativeDifference(y.values.map { Double($0) }, expected) <= 1e-6)
  }

  @Test("a gated block is down (silu(gate x) * (up x))")
  func gatedBlockEqualsDefinition() throws {
    let (gate, up, down) = (
      gaussian(20, 12, seed: 1), gaussian(20, 12, seed: 2), gaussian(12, 20, seed: 3)
    )
    let x = gaussian(9, 12, seed: 4)
    let block = GatedMLP(gate: .dense(gate), up: .dense(up), down: .dense(down))
    let y = try block(x, threads: 2)
    let g = slowProduct(rows(x), transposed: rows(gate))
    let u = slowProduct(rows(x), transposed: rows(up))
    let inner = zip(g, u).map { zip($0, $1).map { $0 / (1 + exp(-$0)) * $1 } }
    let expected = slowProduct(inner, transposed: rows(down)).flatMap { $0 }
    #expect(
      relativeDifference(y.values.map { Double($0) }, expected) <= LinearOperatorTests.tolerance
    )
    let innerValues = try block.inner(x, threads: 1).values.map { Double($0) }
    #expect(
      relativeDifference(innerValues, inner.flatMap { $0 }) <= LinearOperatorTests.tolerance
    )
  }

  @Test("silu stays finite for large inputs of either sign")
  func siluIsFinite() {
    let g = Matrix(rows: 1, columns: 5, values: [-1e4, -100, 0, 100, 1e4])
    let u = Matrix(rows: 1, columns: 5, values: [1, 1, 1, 1, 1])
    let y = GatedMLP.combine(gate: g, up: u, threads: 1).values
    #expect(y.allSatisfy { $0.isFinite })
    #expect(abs(y[0]) <= 1e-20 && y[2] == 0 && y[3] == 100 && y[4] == 1e4)
  }
}
