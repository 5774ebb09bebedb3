import Glibc
import LinearAlgebra
import Testing

@testable import Checkpoint
@testable import Inference

/// Attention over windows against a slow reference in Double.
@Suite struct CausalAttentionTests {
  /// Float32 sums over a few hundred keys.
  static let tolerance = 2e-5

  /// A small attention with random weights.
  struct Case {
    var hidden = 24
    var heads = 4
    var keyValueHeads = 2
    var dimension = 6
    var window: Int?
    var hasBias = true
    let rope = RotaryConfiguration(theta: 10_000, factor: 1)

    var query: Matrix { gaussian(heads * dimension, hidden, seed: 11) }
    var key: Matrix { gaussian(keyValueHeads * dimension, hidden, seed: 12) }
    var value: Matrix { gaussian(keyValueHeads * dimension, hidden, seed: 13) }
    var output: Matrix { gaussian(hidden, heads * dimension, seed: 14) }

    func bias(_ matrix: Matrix, seed: UInt64) -> [Float]? {
      hasBias ? gaussian(1, matrix.rows, seed: seed).values : nil
    }

    func attention(length: Int) -> CausalAttention {
      CausalAttention(
        weights: CausalAttention.Weights(
          query: .dense(query),
          key: .dense(key),
          value: .dense(value),
          output: .dense(output),
          queryBias: bias(query, seed: 21),
          keyBias: bias(key, seed: 22),
          valueBias: bias(value, seed: 23)
        ),
        headCount: heads,
        keyValueHeadCount: keyValueHeads,
        dimension: dimension,
        slidingWindow: window,
        rotary: RotaryEmbedding(rope, dimension: dimension, length: length)
      )
    }

    /// The definition: one query and one head at a time.
    func slow(_ x: Matrix, length: Int) -> [[Double]] {
      func project(_ w: Matrix, _ bias: [Float]?, turns: Bool) -> [[Double]] {
        slowProduct(rows(x), transposed: rows(w)).enumerated().map { index, row in
          let shifted = bias.map { zip(row, $0).map { $0 + Double($1) } } ?? row
          guard turns else { return shifted }
          return RotaryEmbeddingTests.slow(
            shifted,
            dimension: dimension,
            position: index % length,
            theta: rope.theta,
            factor: 1
          )
        }
      }
      let q = project(query, bias(query, seed: 21), turns: true)
      let k = project(key, bias(key, seed: 22), turns: true)
      let v = project(value, bias(value, seed: 23), turns: false)
      let mixed = (0..<x.rows).map { row -> [Double] in
        let (start, position) = (row / length * length, row % length)
        let first = start + max(0, window.map { position - $0 + 1 } ?? 0)
        return (0..<heads).flatMap { head -> [Double] in
          let own = head * dimension..<(head + 1) * dimension
          let shared = head / (heads / keyValueHeads) * dimension
          let scores = (first...row).map { other in
            own.reduce(0) { $0 + q[row][$1] * k[other][shared + $1 - own.lowerBound] }
              / Double(dimension).squareRoot()
          }
          let largest = scores.max() ?? 0
          let shares = scores.map { exp($0 - largest) }
          let total = shares.reduce(0, +)
          return (0..<dimension).map { column in
            zip(first...row, shares).reduce(0) { $0 + $1.1 / total * v[$1.0][shared + column] }
          }
        }
      }
      return slowProduct(mixed, transposed: rows(output))
    }
  }

  func expectDefinition(_ sample: Case, windows: Int, length: Int) throws {
    let x = gaussian(windows * length, sample.hidden, seed: 31)
    let y = try sample.attention(length: length)(x, length: length, threads: 2)
    let expected = sample.slow(x, length: length).flatMap { $0 }
    let error = relativeDifference(y.values.map { Double($0) }, expected)
    #expect(error <= CausalAttentionTests.tolerance, "\(sample), \(windows) x \(length)")
  }

  // Queries go in blocks of 128, so lengths lie on both sides of one and two blocks.
  @Test(
    "grouped-query causal attention equals its definition",
    arguments: [1, 2, 17, 128, 129, 300]
  )
  func equalsDefinition(length: Int) throws {
    try expectDefinition(Case(), windows: 2, length: length)
    try expectDefinition(Case(keyValueHeads: 4, hasBias: false), windows: 1, length: length)
    try expectDefinition(Case(keyValueHeads: 1), windows: 1, length: length)
  }

  @Test(
    "a sliding window hides the keys before it, whatever the blocks",
    arguments: [1, 2, 5, 100, 127, 128, 129, 299, 300, 301]
  )
  func slidingWindow(window: Int) throws {
    try expectDefinition(Case(window: window), windows: 2, length: 300)
  }

  @Test("a window as long as the context is no window")
  func longWindowIsNone() throws {
    let x = gaussian(200, 24)
    let none = try Case().attention(length: 200)(x, length: 200, threads: 1)
    let long = try Case(window: 200).attention(length: 200)(x, length: 200, threads: 1)
    #expect(none.values == long.values)
  }

  @Test("a token sees nothing after it, and no other window")
  func nothingLeaksBack() throws {
    let length = 140
    let attention = Case().attention(length: length)
    let x = gaussian(2 * length, 24, seed: 7)
    let before = try attention(x, length: length, threads: 1)
    for column in 0..<24 { x[length + 135, column] += 3 }
    let after = try attention(x, length: length, threads: 1)
    let untouched = 0..<length + 135
    #expect(before.copy(ofRows: untouched).values == after.copy(ofRows: untouched).values)
    #expect(Array(before.row(length + 136)) != Array(after.row(length + 136)))
  }

  @Test("one thread and two give the same bits")
  func threadsDoNotMatter() throws {
    let x = gaussian(3 * 150, 24)
    let attention = Case(window: 40).attention(length: 150)
    let one = try attention(x, length: 150, threads: 1)
    let two = try attention(x, length: 150, threads: 2)
    #expect(one.values.map(\.bitPattern) == two.values.map(\.bitPattern))
  }
}
