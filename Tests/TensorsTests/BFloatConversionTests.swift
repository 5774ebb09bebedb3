import TestSupport
import Testing

@testable import Tensors

/// BF16 is the upper half of a Float32, rounded to nearest, ties to even.
@Suite("Bfloat16")
struct BFloatConversionTests {
  private static let all = (0...UInt16.max).flatMap { [UInt8].littleEndian($0) }

  private func words(_ bytes: [UInt8]) -> [UInt16] {
    stride(from: 0, to: bytes.count, by: 2).map { bytes.integer(UInt16.self, at: $0) }
  }

  /// By distance in Double; beyond the largest bfloat16 the next step counts as 2^128.
  private func nearest(_ value: Float) -> UInt16 {
    let low = UInt16(value.bitPattern >> 16)
    func magnitude(_ word: UInt16) -> Double {
      let word = word & 0x7FFF
      return word == 0x7F80 ? 0x1p128 : Double(Float(bitPattern: UInt32(word) << 16))
    }
    if value.isInfinite { return low }
    let below = Double(value.magnitude) - magnitude(low)
    let above = magnitude(low + 1) - Double(value.magnitude)
    if below == above { return low & 1 == 0 ? low : low + 1 }
    return below < above ? low : low + 1
  }

  @Test("every bfloat16 widens to itself with zeros behind it")
  func widening() throws {
    let values = try widened(BFloatConversionTests.all, .bf16, count: 65536)
    for word in 0...UInt16.max { #expect(values[Int(word)].bitPattern == UInt32(word) << 16) }
  }

  @Test("every bfloat16 comes back bit for bit, signalling NaN as quiet NaN")
  func roundTrip() throws {
    let values = try widened(BFloatConversionTests.all, .bf16, count: 65536)
    for (word, back) in zip(0...UInt16.max, words(try narrowed(values, .bf16))) {
      let isNaN = word & 0x7FFF > 0x7F80
      #expect(back == (isNaN ? word | 0x40 : word))
    }
  }

  @Test("narrowing goes to the nearest, ties to even, and NaN stays NaN")
  func narrowing() throws {
    var random = SeededRandom(seed: 7)
    var values = EdgeValues.all
    values += (0..<100_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
    }
    for (value, word) in zip(values, words(try narrowed(values, .bf16))) {
      if value.isNaN {
        #expect(word & 0x7FC0 == 0x7FC0 && word >> 15 == UInt16(value.bitPattern >> 31))
      } else {
        #expect(word == nearest(value), "\(value) = \(value.bitPattern)")
      }
    }
  }

  @Test("the largest float rounds to infinity, the smallest to zero")
  func ends() throws {
    let values: [Float] = [
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0,
    ]
    #expect(words(try narrowed(values, .bf16)) == [0x7F80, 0xFF80, 0x0000, 0x8000])
  }
}
