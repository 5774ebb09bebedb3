import CKernels
import TestSupport
import Testing

@testable import Tensors

/// F16 against the definition of IEEE 754, written out anew with exact arithmetic in Double.
@Suite("Half precision")
struct HalfConversionTests {
  /// The value of a half: sign, five bits of exponent, ten of mantissa.
  private func value(_ half: UInt16) -> Double {
    let sign = half >> 15 == 1 ? -1.0 : 1.0
    let exponent = Int(half >> 10 & 0x1F)
    let mantissa = Double(half & 0x3FF)
    if exponent == 31 { return mantissa == 0 ? sign * .infinity : .nan }
    if exponent == 0 { return sign * mantissa * 0x1p-24 }
    return sign * (1 + mantissa / 1024)
      * Double(sign: .plus, exponent: exponent - 15, significand: 1)
  }

  /// The nearest half, ties to an even mantissa, by search over all finite ones.
  private func nearest(_ value: Float) -> UInt16 {
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    if value.isNaN { return 0x7E00 }
    let magnitude = Double(value.magnitude)
    // 65520 is the middle between the largest half, 65504, and the one that would come next.
    if magnitude >= 65520 { return sign | 0x7C00 }
    var (low, high) = (UInt16(0), UInt16(0x7BFF))
    while low < high {
      let middle = low + (high - low + 1) / 2
      if self.value(middle) <= magnitude { low = middle } else { high = middle - 1 }
    }
    guard low < 0x7BFF else { return sign | low }
    let below = magnitude - self.value(low)
    let above = self.value(low + 1) - magnitude
    if below == above { return sign | (low & 1 == 0 ? low : low + 1) }
    return sign | (below < above ? low : low + 1)
  }

  private func halves(_ bytes: [UInt8]) -> [UInt16] {
    stride(from: 0, to: bytes.count, by: 2).map { bytes.integer(UInt16.self, at: $0) }
  }

  private static let all = (0...UInt16.max).flatMap { [UInt8].littleEndian($0) }

  @Test("every half widens to its exact value")
  func widening() throws {
    let values = try widened(HalfConversionTests.all, .f16, count: 65536)
    for half in 0...UInt16.max {
      let expected = value(half)
      let got = values[Int(half)]
      if expected.isNaN {
        #expect(got.isNaN && got.sign == (half >> 15 == 1 ? .minus : .plus))
      } else {
        #expect(got.bitPattern == Float(expected).bitPattern)
      }
    }
  }

  @Test("every half that is a number comes back bit for bit")
  func roundTrip() throws {
    let values = try widened(HalfConversionTests.all, .f16, count: 65536)
    let back = halves(try narrowed(values, .f16))
    for half in 0...UInt16.max {
      if value(half).isNaN {
        #expect(back[Int(half)] & 0x7E00 == 0x7E00)
      } else {
        #expect(back[Int(half)] == half)
      }
    }
  }

  @Test("narrowing goes to the nearest half, ties to even, at every edge")
  func narrowingEdges() throws {
    let values = EdgeValues.all
    for (value, half) in zip(values, halves(try narrowed(values, .f16))) {
      if value.isNaN {
        #expect(half & 0x7E00 == 0x7E00 && half >> 15 == (value.sign == .minus ? 1 : 0))
      } else {
        #expect(half == nearest(value), "\(value) = \(value.bitPattern)")
      }
    }
  }

  @Test("narrowing goes to the nearest half around every half")
  func narrowingAroundAll() throws {
    var values: [Float] = []
    for half in UInt16(0)..<0x7C00 {
      let here = Float(value(half))
      let next = half < 0x7BFF ? value(half + 1) : 65536
      let middle = Float((Double(here) + next) / 2)
      values += [middle, middle.nextUp, middle.nextDown, here.nextUp, here.nextDown]
    }
    for (value, half) in zip(values, halves(try narrowed(values, .f16))) {
      #expect(half == nearest(value), "\(value)")
    }
  }

  @Test("the portable loop and the processor's own agree bit for bit")
  func twins() throws {
    var random = SeededRandom(seed: 5)
    var values = EdgeValues.all
    values += (0..<100_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
    }
    var portable = [UInt8](repeating: 0, count: 2 * values.count)
    moepack_narrow_f16_portable(values, &portable, values.count)
    #expect(firstDifference(try narrowed(values, .f16), portable) == nil)

    var widePortable = [Float](repeating: 0, count: 65536)
    moepack_widen_f16_portable(HalfConversionTests.all, &widePortable, 65536)
    let wide = try widened(HalfConversionTests.all, .f16, count: 65536)
    #expect(wide.map(\.bitPattern) == widePortable.map(\.bitPattern))
  }

  @Test("any count and any alignment give the same bits")
  func unaligned() throws {
    var random = SeededRandom(seed: 6)
    let source = random.bytes(2 * 40 + 3)
    let whole = try widened(Array(source[1..<81]), .f16, count: 40)
    for start in 0..<4 {
      for count in 0..<18 {
        let bytes = source[1 + 2 * start..<1 + 2 * (start + count)]
        var values = [Float](repeating: 0, count: count)
        try source.withUnsafeBytes { all in
          let piece = UnsafeRawBufferPointer(rebasing: all[bytes.startIndex..<bytes.endIndex])
          try values.withUnsafeMutableBufferPointer { try ElementType.f16.widen(piece, into: $0) }
        }
        #expect(values.map(\.bitPattern) == whole[start..<start + count].map(\.bitPattern))
      }
    }
  }
}
