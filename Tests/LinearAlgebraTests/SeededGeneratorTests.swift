import Testing

@testable import LinearAlgebra

@Suite("Seeded generator")
struct SeededGeneratorTests {
  @Test("SplitMix64 gives the published numbers for seed 1234567")
  func splitMixVectors() {
    var generator = SplitMix64(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    #expect(expected.indices.map { _ in generator.next() } == expected)
  }

  @Test("xoshiro256** gives the published numbers for state 1, 2, 3, 4")
  func xoshiroVectors() {
    var generator = SeededGenerator(state: (1, 2, 3, 4))
    let expected: [UInt64] = [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240]
    #expect(expected.indices.map { _ in generator.next() } == expected)
  }

  @Test("streams of a seed differ, and each repeats")
  func streams() {
    var first = SeededGenerator(seed: 7, stream: 0)
    var again = SeededGenerator(seed: 7, stream: 0)
    var second = SeededGenerator(seed: 7, stream: 1)
    let numbers = (0..<8).map { _ in first.next() }
    #expect(numbers == (0..<8).map { _ in again.next() })
    #expect(numbers != (0..<8).map { _ in second.next() })
  }

  @Test("numbers below a bound are about equally frequent")
  func bounded() {
    var generator = SeededGenerator(seed: 3)
    var counts = Array(repeating: 0, count: 6)
    for _ in 0..<60_000 { counts[generator.next(below: 6)] += 1 }
    // Standard deviation of a count is about 91.
    for count in counts { #expect(abs(count - 10_000) < 500) }
    #expect(generator.next(below: 1) == 0)
    #expect((0..<Int.max).contains(generator.next(below: .max)))
  }

  @Test("uniform numbers lie in 0..<1 and average to a half")
  func uniform() {
    var generator = SeededGenerator(seed: 4)
    let numbers = (0..<10_000).map { _ in generator.nextUniform() }
    #expect(numbers.allSatisfy { (0..<1).contains($0) })
    #expect(abs(numbers.reduce(0, +) / 10_000 - 0.5) < 0.02)
  }

  @Test("Gaussian numbers have mean 0 and variance 1")
  func gaussianMoments() {
    let numbers = gaussian(100, 101).values.map(Double.init)
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let variance = numbers.reduce(0) { $0 + $1 * $1 } / Double(numbers.count) - mean * mean
    #expect(abs(mean) < 0.05)
    #expect(abs(variance - 1) < 0.06)
  }

  @Test("a shuffle is a permutation, and all permutations of three come up alike")
  func shuffle() {
    var generator = SeededGenerator(seed: 5)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 {
      var elements = [0, 1, 2]
      generator.shuffle(&elements)
      counts[elements, default: 0] += 1
    }
    #expect(counts.count == 6)
    for count in counts.values { #expect(abs(count - 1000) < 150) }
    var none: [Int] = []
    generator.shuffle(&none)
    #expect(none.isEmpty)
  }

  @Test("a sample holds different numbers below the bound")
  func sample() {
    var generator = SeededGenerator(seed: 6)
    let sample = generator.sample(10, below: 12)
    #expect(Set(sample).count == 10)
    #expect(sample.allSatisfy { (0..<12).contains($0) })
    #expect(generator.sample(5, below: 5).sorted() == [0, 1, 2, 3, 4])
    #expect(generator.sample(0, below: 0).isEmpty)
  }
}
