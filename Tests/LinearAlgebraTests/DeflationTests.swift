import Testing

@testable import LinearAlgebra

@Suite("Deflation")
struct DeflationTests {
  /// λ_150 / λ_1 = 1e-5, too steep for single precision; λ_150 / λ_33 is not.
  private static let decay = 0.9624
  private static let rank = 150

  @Test("what is left has nothing of the vectors taken out")
  func remainder() throws {
    let gram = try outerGram(try decaying(300, 320, decay: Self.decay))
    let deflation = try Deflation(of: gram)
    #expect(orthonormalityDefect(deflation.vectors.narrowed()) < 1e-6)
    let image = slowProduct(deflation.vectors, deflation.remainder.widened())
    #expect(image.elements.allSatisfy { abs($0) < 1e-7 * deflation.values[31] })
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
}
