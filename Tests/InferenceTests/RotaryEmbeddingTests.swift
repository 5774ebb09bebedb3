import Glibc
import LinearAlgebra
import Testing

@testable import Checkpoint
@testable import Inference

/// Rotary position embedding against its definition in Double.
@Suite struct RotaryEmbeddingTests {
  /// The angle of the fastest pair at `position` is rounded to Float32: half a unit in its last place,
  /// position * 2⁻²⁴, moves an element of size one by as much.
  static func tolerance(position: Int) -> Double { Double(position + 4) * 3e-7 }

  /// Column i turns with column i + d/2 by position * theta^(-2i/d) / factor.
  static func slow(_ row: [Double], dimension: Int, position: Int, theta: Double, factor: Double)
    -> [Double]
  {
    var turned = row
    for head in stride(from: 0, to: row.count, by: dimension) {
      for i in 0..<dimension / 2 {
        let angle = Double(position) * pow(theta, -Double(2 * i) / Double(dimension)) / factor
        let (a, b) = (row[head + i], row[head + i + dimension / 2])
        turned[head + i] = a * cos(angle) - b * sin(angle)
        turned[head + i + dimension / 2] = b * cos(angle) + a * sin(angle)
      }
    }
    return turned
  }

  @Test(
    "every head of a row turns by its position",
    arguments: [(10_000.0, 1.0, 4), (1_000_000.0, 1.0, 32), (10_000.0, 4.0, 16)]
  )
  func turnsByDefinition(theta: Double, factor: Double, dimension: Int) {
    let rotary = RotaryEmbedding(
      RotaryConfiguration(theta: theta, factor: factor),
      dimension: dimension,
      length: 600
    )
    for position in [0, 1, 2, 17, 599] {
      let row = gaussian(1, 3 * dimension, seed: UInt64(position))
      let expected = RotaryEmbeddingTests.slow(
        rows(row)[0],
        dimension: dimension,
        position: position,
        theta: theta,
        factor: factor
      )
      rotary.rotate(row.row(0), position: position)
      let limit = 5 * RotaryEmbeddingTests.tolerance(position: position)
      for (got, wanted) in zip(rows(row)[0], expected) {
        #expect(abs(got - wanted) <= limit, "position \(position)")
      }
    }
  }

  @Test("position 0 changes nothing")
  func positionZeroIsIdentity() {
    let rotary = RotaryEmbedding(
      RotaryConfiguration(theta: 10_000, factor: 1),
      dimension: 8,
      length: 1
    )
    let row = gaussian(1, 16)
    let before = row.values
    rotary.rotate(row.row(0), position: 0)
    #expect(row.values == before)
  }

  @Test("the product of a query and a key depends on their distance alone")
  func productDependsOnDistance() {
    let dimension = 16
    let rotary = RotaryEmbedding(
      RotaryConfiguration(theta: 10_000, factor: 1),
      dimension: dimension,
      length: 200
    )
    func product(_ queryPosition: Int, _ keyPosition: Int) -> Double {
      let (q, k) = (gaussian(1, dimension, seed: 5), gaussian(1, dimension, seed: 6))
      rotary.rotate(q.row(0), position: queryPosition)
      rotary.rotate(k.row(0), position: keyPosition)
      return zip(rows(q)[0], rows(k)[0]).reduce(0) { $0 + $1.0 * $1.1 }
    }
    for shift in [1, 50, 180] {
      #expect(abs(product(9 + shift, 2 + shift) - product(9, 2)) <= 1e-3)
    }
  }
}
