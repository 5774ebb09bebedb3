import Testing

@testable import LinearAlgebra

@Suite("Whitened factorization")
struct WhitenedFactorizationTests {
  static let orthonormality = 2e-5
  static let shapes = [(1, 1), (1, 6), (6, 1), (15, 24), (24, 15), (20, 20)]

  /// Relative output error on inputs X, by the definition: ‖X (W - QQᵀW)ᵀ‖ / ‖X Wᵀ‖.
  static func outputError(_ result: WhitenedFactorization, _ w: Matrix, inputs: Matrix) -> Double {
    let approximation = slowProduct(transposed(result.basis.widened()), result.product.widened())
    let outputs = slowProduct(inputs.widened(), transposed(w.widened()))
    let others = slowProduct(inputs.widened(), transposed(approximation))
    var (part, whole) = (0.0, 0.0)
    for index in outputs.elements.indices {
      let difference = outputs.elements[index] - others.elements[index]
      part += difference * difference
      whole += outputs.elements[index] * outputs.elements[index]
    }
    return whole > 0 ? (part / whole).squareRoot() : 0
  }

  @Test("with a diagonal second moment, the busiest output is kept")
  func byHand() throws {
    let w = Matrix(rows: 2, columns: 2, values: [3, 0, 0, 1])
    let moment = DoubleMatrix(rows: 2, columns: 2, values: [1, 0, 0, 100])
    let result = try WhitenedFactorization(w, inputMoment: moment, rank: 1)
    #expect(abs(result.basis[0, 1] - 1) < 1e-6)
    #expect(abs(result.product[0, 1] - 1) < 1e-6)
    #expect(abs(result.relativeOutputError - (9.0 / 109).squareRoot()) < 1e-6)
  }

  @Test("the reported error is the one of the outputs, on both sides", arguments: shapes)
  func reportedError(m: Int, n: Int) throws {
    let w = gaussian(m, n)
    let inputs = try decaying(60, n, decay: 0.8, seed: 3)
    let moment = try gram(inputs)
    for rank in Set([1, (min(m, n) + 1) / 2, min(m, n)]) {
      let result = try WhitenedFactorization(w, inputMoment: moment, rank: rank)
      #expect(result.basis.rows == rank && result.basis.columns == m)
      #expect(result.product.rows == rank && result.product.columns == n)
      #expect(orthonormalityDefect(result.basis) < Self.orthonormality)
      let error = Self.outputError(result, w, inputs: inputs)
      #expect(abs(error - result.relativeOutputError) < 1e-3 * error + 1e-6)
    }
  }

  @Test("input side, output side and outputs at hand agree", arguments: [(24, 15), (15, 24)])
  func routesAgree(m: Int, n: Int) throws {
    let w = gaussian(m, n)
    let inputs = gaussian(80, n, seed: 2)
    let moment = try gram(inputs)
    let first = try WhitenedFactorization(w, inputMoment: moment, rank: 5)
    let outputs = try multiply(inputs, transposed: w)
    let second = try WhitenedFactorization(w, outputMoment: try gram(outputs), rank: 5)
    for index in 0..<5 {
      #expect(abs(first.eigenvalues[index] / second.eigenvalues[index] - 1) < 1e-5)
    }
    #expect(largestDifference(first.basis.widened(), second.basis.widened()) < 1e-4)
    #expect(largestDifference(first.product.widened(), second.product.widened()) < 1e-3)
    #expect(abs(first.relativeOutputError - second.relativeOutputError) < 1e-5)
  }

  @Test("no other projection of the rank does better on the outputs")
  func best() throws {
    let w = gaussian(16, 20)
    let inputs = try decaying(50, 20, decay: 0.7, seed: 8)
    let result = try WhitenedFactorization(w, inputMoment: try gram(inputs), rank: 4)
    let plain = try truncatedSVD(w, rank: 4)
    let other = try WhitenedFactorization(
      w,
      inputMoment: try gram(gaussian(50, 20, seed: 9)),
      rank: 4
    )
    let error = Self.outputError(result, w, inputs: inputs)
    #expect(error < Self.outputError(other, w, inputs: inputs))
    let values = try eigenvalues(of: try outputMoment(of: w, inputMoment: try gram(inputs)))
    #expect(abs(error - tailError(eigenvalues: values, rank: 4)) < 1e-4 * error)
    #expect(plain.relativeError > 0)
  }

  @Test(
    "a singular or zero second moment gives an orthonormal basis and no NaN",
    arguments: [(10, 18), (18, 10)],
    [0, 1, 3]
  )
  func semidefinite(shape: (Int, Int), samples: Int) throws {
    let (m, n) = shape
    let w = gaussian(m, n)
    let inputs = gaussian(samples, n, seed: 4)
    let result = try WhitenedFactorization(w, inputMoment: try gram(inputs), rank: 6)
    #expect(orthonormalityDefect(result.basis) < Self.orthonormality)
    #expect(result.product.values.allSatisfy { $0.isFinite })
    #expect(result.eigenvalues.allSatisfy { $0 >= 0 })
    #expect(Self.outputError(result, w, inputs: inputs) < 1e-5)
    let factors = try LowRankFactors.whitened(w, inputMoment: try gram(inputs), rank: 6)
    #expect(factors.left.values.allSatisfy { $0.isFinite })
  }

  @Test("a zero weight gives zero factors", arguments: [(3, 5), (5, 3)])
  func zeroWeight(m: Int, n: Int) throws {
    let w = Matrix(rows: m, columns: n)
    let result = try WhitenedFactorization(w, inputMoment: try gram(gaussian(9, n)), rank: 2)
    #expect(orthonormalityDefect(result.basis) < Self.orthonormality)
    #expect(result.product.values.allSatisfy { $0 == 0 })
    #expect(result.relativeOutputError == 0)
  }

  @Test("threads do not change a bit", arguments: [(530, 600), (600, 530)])
  func threads(m: Int, n: Int) throws {
    let w = gaussian(m, n)
    let moment = try gram(gaussian(700, n, seed: 2))
    let one = try WhitenedFactorization(w, inputMoment: moment, rank: 20, threads: 1)
    let two = try WhitenedFactorization(w, inputMoment: moment, rank: 20, threads: 2)
    #expect(bits(one.basis) == bits(two.basis))
    #expect(bits(one.product) == bits(two.product))
    #expect(one.eigenvalues == two.eigenvalues)
  }

  @Test("wrong shapes, ranks and elements are refused")
  func refusals() throws {
    let w = gaussian(4, 6)
    let moment = try gram(gaussian(9, 6))
    #expect(throws: LinearAlgebraError.rankOutOfRange(rank: 5, limit: 4)) {
      _ = try WhitenedFactorization(w, inputMoment: moment, rank: 5)
    }
    #expect(throws: LinearAlgebraError.self) {
      _ = try WhitenedFactorization(w, outputMoment: moment, rank: 2)
    }
    #expect(throws: LinearAlgebraError.self) {
      _ = try WhitenedFactorization(w, inputMoment: DoubleMatrix(rows: 4, columns: 4), rank: 2)
    }
    moment[0, 3] = .nan
    #expect(throws: LinearAlgebraError.self) {
      _ = try WhitenedFactorization(w, inputMoment: moment, rank: 2)
    }
  }
}
