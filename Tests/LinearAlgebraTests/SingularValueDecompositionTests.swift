import Testing

@testable import LinearAlgebra

@Suite("Truncated singular value decomposition")
struct SingularValueDecompositionTests {
  /// Orthonormality of vectors computed in single precision.
  static let orthonormality = 2e-5
  static let routes: [SVDRoute] = [.automatic, .gram, .lapack, .randomized(seed: 1)]
  static let shapes = [(1, 1), (1, 9), (9, 1), (2, 2), (12, 30), (30, 12), (40, 40)]

  @Test("a diagonal matrix done by hand", arguments: routes)
  func byHand(route: SVDRoute) throws {
    let w = Matrix(rows: 2, columns: 3, values: [0, -3, 0, 4, 0, 0])
    let svd = try truncatedSVD(w, rank: 1, route: route)
    #expect(abs(svd.singularValues[0] - 4) < 1e-5)
    #expect(abs(svd.leftVectors[0, 1] - 1) < 1e-5)
    #expect(abs(svd.rightVectors[0, 0] - 1) < 1e-5)
    #expect(abs(svd.relativeError - 0.6) < 1e-5)
    #expect(svd.u.rows == 2 && svd.u.columns == 1)
  }

  @Test("shape, orthonormality, order, sign and measured error hold", arguments: routes, shapes)
  func invariants(route: SVDRoute, shape: (Int, Int)) throws {
    let w = gaussian(shape.0, shape.1)
    let limit = min(shape.0, shape.1)
    for rank in Set([1, (limit + 1) / 2, limit]) {
      let svd = try truncatedSVD(w, rank: rank, route: route)
      #expect(svd.leftVectors.rows == rank && svd.leftVectors.columns == shape.0)
      #expect(svd.rightVectors.rows == rank && svd.rightVectors.columns == shape.1)
      #expect(svd.singularValues.count == rank)
      #expect(orthonormalityDefect(svd.leftVectors) < Self.orthonormality)
      #expect(orthonormalityDefect(svd.rightVectors) < Self.orthonormality)
      #expect(svd.singularValues == svd.singularValues.sorted(by: >))
      for row in 0..<rank {
        let vector = Array(svd.leftVectors.row(row))
        #expect(abs(vector.min() ?? 0) <= vector.max() ?? 0)
      }
      let scaled = svd.leftVectors.copy(ofRows: 0..<rank)
      for row in 0..<rank {
        for column in 0..<scaled.columns { scaled[row, column] *= Float(svd.singularValues[row]) }
      }
      let expected = slowRelativeError(w, left: scaled, right: svd.rightVectors)
      #expect(abs(svd.relativeError - expected) < 2e-5 * expected + 1e-6)
    }
  }

  @Test("singular values agree with Jacobi rotations", arguments: routes)
  func reference(route: SVDRoute) throws {
    let w = try decaying(25, 40, decay: 0.9)
    let expected = jacobiEigenvalues(try outerGram(w)).map { max(0, $0).squareRoot() }
    let svd = try truncatedSVD(w, rank: 10, route: route)
    for index in 0..<10 {
      #expect(abs(svd.singularValues[index] - expected[index]) < 1e-5 * expected[0])
    }
  }

  @Test(
    "automatic and Gram routes are within 1e-4 of the least error",
    arguments: [1.0, 0.99, 0.97, 0.9, 0.7],
    [(80, 120), (120, 80)]
  )
  func optimal(decay: Double, shape: (Int, Int)) throws {
    let w = try decaying(shape.0, shape.1, decay: decay)
    let squares = try eigenvalues(of: shape.0 <= shape.1 ? outerGram(w) : gram(w))
    for rank in [1, 5, 24, 60] {
      let least = tailError(eigenvalues: squares, rank: rank)
      for route in [SVDRoute.automatic, .gram] {
        let error = try truncatedSVD(w, rank: rank, route: route).relativeError
        #expect(error <= least * (1 + 1e-4) + 1e-6, "rank \(rank), \(route), least \(least)")
      }
    }
  }

  @Test("one huge singular value does not spoil the rest", arguments: [10.0, 100, 1000, 10_000])
  func outlier(size: Double) throws {
    let w = gaussian(70, 100)
    let spike = try multiply(gaussian(70, 1, seed: 5), gaussian(1, 100, seed: 6))
    for index in w.elements.indices { w.elements[index] += Float(size) * spike.elements[index] }
    let least = tailError(eigenvalues: try eigenvalues(of: outerGram(w)), rank: 20)
    let error = try truncatedSVD(w, rank: 20).relativeError
    #expect(error <= least * (1 + 1e-4) + 1e-6)
  }

  @Test("the error never grows with the rank", arguments: routes)
  func monotone(route: SVDRoute) throws {
    let w = try decaying(20, 26, decay: 0.8)
    var last = 1.0
    for rank in 1...20 {
      let error = try truncatedSVD(w, rank: rank, route: route).relativeError
      #expect(error <= last + 1e-6)
      last = error
    }
    #expect(last < 1e-5)
  }

  @Test(
    "matrices of too low a rank give orthonormal vectors and no NaN",
    arguments: routes,
    [(20, 30), (30, 20)]
  )
  func deficient(route: SVDRoute, shape: (Int, Int)) throws {
    for rank in [0, 1, 3] {
      let w =
        rank == 0
        ? Matrix(rows: shape.0, columns: shape.1) : try lowRank(shape.0, shape.1, rank: rank)
      let svd = try truncatedSVD(w, rank: 8, route: route)
      #expect(svd.relativeError < 1e-5)
      #expect(orthonormalityDefect(svd.leftVectors) < Self.orthonormality)
      #expect(orthonormalityDefect(svd.rightVectors) < Self.orthonormality)
      let largest = svd.singularValues[0]
      for value in svd.singularValues.dropFirst(rank) { #expect(value <= 1e-5 * largest) }
    }
  }

  @Test("very small and very large elements are handled", arguments: [Float(1e-30), 1e-12, 1e15])
  func extremes(scale: Float) throws {
    let w = gaussian(12, 17)
    let expected = try truncatedSVD(w, rank: 4)
    for index in w.elements.indices { w.elements[index] *= scale }
    let svd = try truncatedSVD(w, rank: 4)
    #expect(abs(svd.relativeError - expected.relativeError) < 1e-5)
    #expect(abs(svd.singularValues[3] / Double(scale) / expected.singularValues[3] - 1) < 1e-5)
  }

  @Test("threads do not change a bit", arguments: routes)
  func threads(route: SVDRoute) throws {
    let w = gaussian(540, 600)
    let one = try truncatedSVD(w, rank: 30, route: route, threads: 1)
    let two = try truncatedSVD(w, rank: 30, route: route, threads: 2)
    #expect(bits(one.leftVectors) == bits(two.leftVectors))
    #expect(bits(one.rightVectors) == bits(two.rightVectors))
    #expect(one.singularValues == two.singularValues)
    #expect(one.relativeError == two.relativeError)
  }

  @Test("wrong ranks and elements are refused", arguments: routes)
  func refusals(route: SVDRoute) {
    let w = gaussian(3, 5)
    for rank in [-1, 0, 4] {
      #expect(throws: LinearAlgebraError.rankOutOfRange(rank: rank, limit: 3)) {
        _ = try truncatedSVD(w, rank: rank, route: route)
      }
    }
    w[2, 4] = .infinity
    #expect(throws: LinearAlgebraError.self) { _ = try truncatedSVD(w, rank: 1, route: route) }
  }
}
