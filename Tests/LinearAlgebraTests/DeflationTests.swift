import Testing

@testable import LinearAlgebra

@Suite("Deflation")
struct DeflationTests {
  /// λ_200 / λ_1 = 1e-4, too steep for single precision; λ_200 / λ_17 is not.
  private static let decay = 0.977
  private static let rank = 200

  @Test("what is left has nothing of the vectors taken out")
  func remainder() throws {
    let gram = try outerGram(try decaying(300, 320, decay: Self.decay))
    let deflation = try Deflation(of: gram)
    #expect(orthonormalityDefect(deflation.vectors.narrowed()) < 1e-6)
    let image = slowProduct(deflation.vectors, deflation.remainder.widened())
    #expect(image.elements.allSatisfy { abs($0) < 1e-7 * deflation.values[Deflation.pairs - 1] })
    withExtendedLifetime(image) {}
  }

  @Test("with the top of what is left the vectors span the top eigenspace")
  func sameSum() throws {
    let gram = try outerGram(try decaying(300, 320, decay: Self.decay))
    let deflation = try Deflation(of: gram)
    let rest = try eigenvalues(of: deflation.remainder.widened())
      .prefix(Self.rank - Deflation.pairs).reduce(0, +)
    let all = try eigenvalues(of: gram)
    let tail = all.dropFirst(Self.rank).reduce(0, +)
    let missing = all.prefix(Self.rank).reduce(0, +) - deflation.values.reduce(0, +) - rest
    #expect(abs(missing) < 1e-4 * tail)
  }

  @Test(
    "factors of a steep spectrum are within 1e-4 of the least error",
    arguments: [(300, 320), (320, 300)]
  )
  func leastError(shape: (Int, Int)) throws {
    let w = try decaying(shape.0, shape.1, decay: Self.decay)
    let values = try eigenvalues(of: shape.0 < shape.1 ? outerGram(w) : gram(w))
    let least = tailError(eigenvalues: values, rank: Self.rank)
    let error = try LowRankFactors.plain(w, rank: Self.rank).relativeError(to: w)
    #expect(error < least * (1 + 1e-4))
    let svd = try truncatedSVD(w, rank: Self.rank)
    #expect(svd.relativeError < least * (1 + 1e-4))
    #expect(orthonormalityDefect(svd.leftVectors) < 1e-5)
    #expect(orthonormalityDefect(svd.rightVectors) < 1e-5)
  }

  @Test("so are those of a spectrum with one value that stands out of a flat rest")
  func flatRest() throws {
    let (m, n) = (500, 1000)
    var generator = SeededGenerator(seed: 3)
    let w = Matrix.gaussian(rows: m, columns: n, generator: &generator)
    let (left, right) = (
      Matrix.gaussian(rows: m, columns: 1, generator: &generator),
      Matrix.gaussian(rows: 1, columns: n, generator: &generator)
    )
    // The outlier's eigenvalue is 100 m n, those of the rest are about n.
    for row in 0..<m {
      for column in 0..<n { w[row, column] += 10 * left[row, 0] * right[0, column] }
    }
    let least = tailError(eigenvalues: try eigenvalues(of: outerGram(w)), rank: Self.rank)
    let error = try LowRankFactors.plain(w, rank: Self.rank).relativeError(to: w)
    #expect(error < least * (1 + 1e-4))
  }
}
