import CKernels
import TestSupport
import Testing

@testable import Tensors

/// The inner loops of the search against plain loops, bit for bit.
@Suite("Block search")
struct BlockSearchTests {
  private let values: [Float]
  private let weights: [Float]

  init() {
    var random = SeededRandom(seed: 21)
    func number() -> Float { Float(Int16(truncatingIfNeeded: random.next())) / 4096 }
    values = (0..<32).map { _ in number() }
    weights = (0..<32).map { _ in abs(number()) }
  }

  private func bits(_ numbers: [Float]) -> [UInt32] { numbers.map(\.bitPattern) }

  @Test("attempts at a symmetric scale side by side give the sums of each alone")
  func symmetric() {
    let products = zip(weights, values).map { $0 * $1 }
    let inverses = (0..<20).map { Float($0) * 1.7 - 9 }
    var (xq, qq) = ([Float](repeating: 0, count: 20), [Float](repeating: 0, count: 20))
    moepack_symmetric_sums(values, weights, products, 32, 16, inverses, &xq, &qq)
    var (plainXQ, plainQQ) = (xq.map { _ in Float(0) }, qq.map { _ in Float(0) })
    for attempt in 0..<20 {
      for i in 0..<32 {
        let level = min(15, max(-16, (inverses[attempt] * values[i]).rounded(.toNearestOrEven)))
        plainXQ[attempt] += products[i] * level
        plainQQ[attempt] += weights[i] * level * level
      }
    }
    #expect(bits(xq) == bits(plainXQ) && bits(qq) == bits(plainQQ))
  }

  @Test("attempts at a scale and a minimum side by side give the sums of each alone")
  func affine() {
    let inverses: [Float] = [0.5, 1, 1.9, 40]
    var levels = [Float](repeating: -1, count: 128)
    var (q, qq, xq) = (
      [Float](repeating: 0, count: 4), [0, 0, 0, 0] as [Float], [0, 0, 0, 0] as [Float]
    )
    moepack_affine_sums(values, weights, 32, -5, 15, inverses, &levels, &q, &qq, &xq)
    let (scales, minima): ([Float], [Float]) = ([1, 0.7, 0.3, .nan], [-5, -4, 0, 1])
    var (squared, absolute) = ([0, 0, 0, 0] as [Float], [0, 0, 0, 0] as [Float])
    moepack_affine_errors(values, weights, 32, levels, scales, minima, 0, &squared)
    moepack_affine_errors(values, weights, 32, levels, scales, minima, 1, &absolute)
    for attempt in 0..<4 {
      var sums: [Float] = [0, 0, 0, 0, 0]
      for i in 0..<32 {
        let scaled = (inverses[attempt] * (values[i] + 5)).rounded(.toNearestOrEven)
        let level = min(15, max(0, scaled))
        #expect(levels[4 * i + attempt] == level)
        let weighted = weights[i] * level
        sums[0] += weighted
        sums[1] += weighted * level
        sums[2] += weighted * values[i]
        let difference = scales[attempt] * level + minima[attempt] - values[i]
        sums[3] += weights[i] * (difference * difference)
        sums[4] += weights[i] * abs(difference)
      }
      #expect(bits([q[attempt], qq[attempt], xq[attempt]]) == bits(Array(sums[..<3])))
      if attempt < 3 {
        #expect(bits([squared[attempt], absolute[attempt]]) == bits(Array(sums[3...])))
      } else {
        // No error is less than one that is no number.
        #expect(squared[attempt].isNaN && absolute[attempt].isNaN)
      }
    }
  }

  @Test("attempts at levels of a table side by side give the sums of each alone")
  func nonlinear() {
    let table = (0..<16).map { NonlinearLevels.shared.values[$0] }
    let inverses = (0..<16).map { Float($0) * 4 - 30 }
    var (xq, qq) = ([Float](repeating: 0, count: 16), [Float](repeating: 0, count: 16))
    moepack_nonlinear_sums(values, weights, 32, table, inverses, &xq, &qq)
    for attempt in 0..<16 {
      var (x, q): (Float, Float) = (0, 0)
      for i in 0..<32 {
        let value = inverses[attempt] * values[i]
        let level = table[NonlinearLevels.shared.nearest(value)]
        #expect(abs(level - value) == table.map { abs($0 - value) }.min())
        x += weights[i] * level * values[i]
        q += weights[i] * level * level
      }
      #expect(bits([xq[attempt], qq[attempt]]) == bits([x, q]))
    }
  }

  @Test("rounding is to nearest, of two to the even or away from zero")
  func rounding() {
    for i in -4000...4000 {
      for shift: Float in [0, 0x1p-20, -0x1p-20] {
        let value = Float(i) / 16 + shift
        #expect(
          Float(nearestLevel(value, -128, 127))
            == min(127, max(-128, value.rounded(.toNearestOrEven)))
        )
        let away = min(127, max(-127, value)).rounded(.toNearestOrAwayFromZero)
        #expect(Float(roundedLevel(value, limit: 127)) == away)
      }
    }
    for value: Float in [0.49999997, 0.50000006, 1.4999999, 126.49999] {
      #expect(Float(roundedLevel(value, limit: 127)) == value.rounded(.toNearestOrAwayFromZero))
      #expect(Float(roundedLevel(-value, limit: 127)) == (-value).rounded(.toNearestOrAwayFromZero))
    }
  }

  @Test("levels of a block are floored and stay in their range, its span takes the first of equals")
  func levelsAndSpan() {
    var random = SeededRandom(seed: 5)
    for round in 0..<200 {
      var values = random.weights(32).map { $0 * 40 }
      if round % 4 == 0 { values[round % 32] = .nan }
      let (origin, inverse, shift) = (Float(round) / 50 - 2, Float(round) / 9, Float(round % 3) / 2)
      var levels = [Int32](repeating: -1, count: 32)
      moepack_levels32(values, origin, inverse, shift, 31, &levels)
      for (value, level) in zip(values, levels) {
        let place = (value - origin) * inverse + shift
        let expected = place.isNaN ? 0 : min(31, max(0, place)).rounded(.down)
        #expect(Float(level) == expected, "\(value)")
      }
    }
    for round in 0..<200 {
      // Few values, so that equal ones and zeros of both signs are there.
      let values = (0..<32).map { place -> Float in
        [0, -0.0, 1, -1, 2][(place * 7 + round * 3 + place / (round % 5 + 1)) % (round % 4 + 2)]
      }
      let span = moepack_span32(values)
      let least = values.reduce(Float.infinity) { $1 < $0 ? $1 : $0 }
      let most = values.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
      #expect(span.smallest.bitPattern == least.bitPattern, "\(values)")
      #expect(span.largest.bitPattern == most.bitPattern, "\(values)")
    }
  }

  @Test("every half widens as the conversion of whole rows does")
  func halves() throws {
    let all = (0...UInt16.max).flatMap { [UInt8].littleEndian($0) }
    for (half, value) in zip(0...UInt16.max, try widened(all, .f16, count: 65536)) {
      let own = widenedHalf(half)
      #expect(value.isNaN ? own.isNaN : own.bitPattern == value.bitPattern)
    }
  }
}
