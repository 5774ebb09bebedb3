import LinearAlgebra
import Testing

@testable import Inference

/// Root-mean-square normalisation against its definition in Double.
@Suite struct RMSNormTests {
  /// Two roundings to Float32 an element.
  static let tolerance = 3e-7

  static func slow(_ row: [Double], weight: [Float], epsilon: Double) -> [Double] {
    let mean = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
    return zip(row, weight).map { $0 / (mean + epsilon).squareRoot() * Double($1) }
  }

  @Test("a row is divided by its root mean square and weighted", arguments: [1, 3, 4, 7, 96, 130])
  func equalsDefinition(width: Int) {
    let x = gaussian(131, width, seed: 3)
    let weight = gaussian(1, width, seed: 4).values
    let y = RMSNorm(weight: weight, epsilon: 1e-5)(x, threads: 2)
    for (got, row) in zip(rows(y), rows(x)) {
      let expected = RMSNormTests.slow(row, weight: weight, epsilon: 1e-5)
      #expect(relativeDifference(got, expected) <= RMSNormTests.tolerance)
    }
  }

  @Test("epsilon keeps a row of zeros zero and rules where a row is tiny")
  func epsilonRules() {
    let x = Matrix(rows: 2, columns: 4, values: [0, 0, 0, 0, 1e-6, -1e-6, 1e-6, -1e-6])
    let y = RMSNorm(weight: [1, 1, 1, 1], epsilon: 1e-6)(x, threads: 1)
    #expect(y.row(0).allSatisfy { $0 == 0 })
    let expected = RMSNormTests.slow(rows(x)[1], weight: [1, 1, 1, 1], epsilon: 1e-6)
    #expect(relativeDifference(rows(y)[1], expected) <= RMSNormTests.tolerance)
  }

  @Test("large numbers do not overflow on the way")
  func largeNumbersDoNotOverflow() {
    let x = Matrix(rows: 1, columns: 2, values: [3e37, -3e37])
    let y = RMSNorm(weight: [1, 2], epsilon: 1e-6)(x, threads: 1)
    #expect(relativeDifference(rows(y)[0], [1, -2]) <= RMSNormTests.tolerance)
  }

  @Test("some rows alone are the same rows of the whole, with one thread or two")
  func someRowsAreRowsOfTheWhole() {
    let x = gaussian(200, 48)
    let norm = RMSNorm(weight: gaussian(1, 48, seed: 9).values, epsilon: 1e-6)
    let whole = norm(x, threads: 2)
    #expect(norm(x, threads: 1).values == whole.values)
    #expect(norm(x, rows: 65..<143, threads: 2).values == whole.copy(ofRows: 65..<143).values)
  }
}
