import TestSupport
import Testing

@testable import Tensors

/// Floats of 8 bits and fewer against the `ml_dtypes` package.
@Suite("Small floats")
struct SmallFloatTests {
  static let types: [ElementType] = [
    .f8E4M3, .f8E5M2, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ, .f6E2M3, .f6E3M2, .f4,
  ]

  /// Codes one after the other, the first in the lowest bits.
  private func packed(_ codes: [Int], bits: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: codes.count * bits / 8)
    for (number, code) in codes.enumerated() {
      for bit in 0..<bits where code >> bit & 1 == 1 {
        bytes[(number * bits + bit) / 8] |= 1 << UInt8((number * bits + bit) % 8)
      }
    }
    return bytes
  }

  @Test("every code is what the reference says", arguments: types)
  func table(type: ElementType) throws {
    let bits = try #require(type.bitsPerElement.map { Int($0) })
    let expected = try BlockOracle.all[0].floats("\(type.name).values")
    #expect(expected.count == 1 << bits)
    let bytes = packed(Array(0..<1 << bits), bits: bits)
    let values = try widened(bytes, type, count: 1 << bits)
    for (own, reference) in zip(values, expected) {
      #expect(reference.isNaN ? own.isNaN : own.bitPattern == reference.bitPattern)
    }
  }

  @Test("the first of two or four elements has the lowest bits")
  func order() throws {
    // 1.5 is code 3 of F4, -0.5 code 9.
    #expect(try widened([0x93], .f4, count: 2) == [1.5, -0.5])
    // Codes 1, 2, 4, 8 of six bits: 0x208101 from the lowest bit on.
    let four: [UInt8] = [0x81, 0x40, 0x20]
    #expect(try widened(four, .f6E2M3, count: 4) == [0.125, 0.25, 0.5, 1])
    #expect(try widened(four, .f6E3M2, count: 4) == [0.0625, 0.125, 0.25, 0.5])
  }

  @Test("they are read, not written", arguments: types)
  func readOnly(type: ElementType) {
    #expect(type.isComputable && !type.isEncodable && type.isSafetensors && type.ggmlID == nil)
  }

  @Test("units are the fewest elements of whole bytes")
  func units() throws {
    for type in ElementType.known {
      let unit = type.unitElements
      #expect(try type.byteCount(shape: [unit]) > 0)
      #expect(unit == [.f4: 2, .f6E2M3: 4, .f6E3M2: 4][type] ?? type.blockElements)
    }
  }
}
