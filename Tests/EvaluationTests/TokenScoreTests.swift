import Glibc
import Testing

@testable import Evaluation

/// Scores gathered block by block over the vocabulary, against all of it at once.
@Suite struct TokenScoreTests {
  /// Numbers that a linear congruence makes; enough for sums.
  static func numbers(_ count: Int, seed: UInt64, scale: Float) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Float(state >> 40) / Float(1 << 24) - 0.5) * scale
    }
  }

  static func blocks(_ count: Int, of size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  @Test(
    "log-likelihood and likeliest token do not depend on the blocks",
    arguments: [1, 7, 64, 1000, 1001]
  )
  func onlineSumEqualsWhole(size: Int) {
    for scale in [Float(1), 30, 400] {
      let row = TokenScoreTests.numbers(1000, seed: 5, scale: scale)
      var score = TokenScore()
      for block in TokenScoreTests.blocks(row.count, of: size) {
        var part = Array(row[block])
        part.withUnsafeMutableBufferPointer {
          _ = score.add($0, vocabularyStart: block.lowerBound, targetID: 321)
        }
      }
      let expected = logSoftmax(row)[321]
      #expect(abs(Double(score.target) - score.logSum - expected) <= 1e-5 * max(1, abs(expected)))
      #expect(score.likeliest == row.max().flatMap { row.firstIndex(of: $0) })
      #expect(score.target == row[321])
    }
  }

  @Test("of equal logits the lower token is the likeliest, across blocks too")
  func tiesGoToTheLowerToken() {
    var score = TokenScore()
    for start in stride(from: 0, to: 12, by: 4) {
      var part: [Float] = start == 0 ? [0, 1, 0, 0] : [1, 1, 0, 1]
      part.withUnsafeMutableBufferPointer {
        _ = score.add($0, vocabularyStart: start, targetID: nil)
      }
    }
    #expect(score.likeliest == 1)
  }

  @Test("divergence does not depend on the blocks", arguments: [1, 7, 64, 1000])
  func divergenceEqualsWhole(size: Int) {
    let r = TokenScoreTests.numbers(1000, seed: 5, scale: 12)
    let m = TokenScoreTests.numbers(1000, seed: 6, scale: 12)
    var pair = PairScore()
    for block in TokenScoreTests.blocks(r.count, of: size) {
      var (a, b) = (Array(r[block]), Array(m[block]))
      a.withUnsafeMutableBufferPointer { a in
        b.withUnsafeMutableBufferPointer { b in
          pair.add(
            reference: a,
            model: b,
            vocabularyStart: block.lowerBound,
            targetID: 17
          )
        }
      }
    }
    let expected = slowDivergence(reference: r, model: m)
    #expect(abs(pair.divergence - expected) <= 1e-5 * expected)
    #expect(abs(Double(pair.model.target) - pair.model.logSum - logSoftmax(m)[17]) <= 1e-5)
  }

  @Test("very different logits give a large, finite divergence")
  func farApart() {
    var pair = PairScore()
    var (a, b): ([Float], [Float]) = ([800, -800, 0], [-800, 800, 0])
    a.withUnsafeMutableBufferPointer { a in
      b.withUnsafeMutableBufferPointer { b in
        pair.add(reference: a, model: b, vocabularyStart: 0, targetID: nil)
      }
    }
    #expect(abs(pair.divergence - 1600) <= 1e-6)
  }
}
