import TestSupport
import Testing

@testable import Tensors

@Suite("Single and double precision")
struct WideConversionTests {
  @Test("single precision passes bit for bit")
  func single() throws {
    let patterns: [UInt32] = [
      0, 1, 0x8000_0000, 0x3F80_0000, 0x7F80_0000, 0x7F80_0001, 0xFFC0_0001,
    ]
    let bytes = patterns.flatMap { [UInt8].littleEndian($0) }
    let values = try widened(bytes, .f32, count: patterns.count)
    #expect(values.map(\.bitPattern) == patterns)
    #expect(try narrowed(values, .f32) == bytes)
  }

  @Test("double precision widens by rounding once, and narrows without loss")
  func double() throws {
    let doubles = [0.1, -0.0, 1e300, 1e-300, 0x1.000001p0, 0x1.000003p0, .infinity]
    let bytes = doubles.flatMap { [UInt8].littleEndian($0.bitPattern) }
    let values = try widened(bytes, .f64, count: doubles.count)
    #expect(values.map(\.bitPattern) == doubles.map { Float($0).bitPattern })
    #expect(values[2] == .infinity)
    let back = try narrowed([0.1, -2.5], .f64)
    #expect(back == [Double(Float(0.1)), -2.5].flatMap { [UInt8].littleEndian($0.bitPattern) })
  }

  @Test("no elements are no work", arguments: [ElementType.f64, .f32, .f16, .bf16, .q8_0])
  func nothing(type: ElementType) throws {
    #expect(try widened([], type, count: 0) == [])
    #expect(try narrowed([], type) == [])
  }
}
