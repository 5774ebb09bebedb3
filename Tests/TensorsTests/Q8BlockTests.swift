import TestSupport
import Testing

@testable import Tensors

@Suite("Q8_0")
struct Q8BlockTests {
  @Test("a block is a scale and 32 signed bytes")
  func block() throws {
    let values = (0..<32).map { Float($0 - 16) * 127 / 16 }
    let bytes = try narrowed(values, .q8_0)
    #expect(bytes.count == 34)
    #expect(bytes.integer(UInt16.self, at: 0) == 0x3C00)
    #expect(Int8(bitPattern: bytes[2]) == -127)
    #expect(Int8(bitPattern: bytes[2 + 16]) == 0)
    // 7.9375 and 119.0625
    #expect(Int8(bitPattern: bytes[2 + 17]) == 8)
    #expect(Int8(bitPattern: bytes[2 + 31]) == 119)
  }

  @Test("halves round away from zero, as ggml rounds")
  func halves() throws {
    var values = [Float](repeating: 0, count: 32)
    values[0] = 127
    values[1] = 0.5
    values[2] = -0.5
    values[3] = 1.5
    values[4] = 2.5
    let bytes = try narrowed(values, .q8_0)
    #expect(bytes[2..<7].map { Int8(bitPattern: $0) } == [127, 1, -1, 2, 3])
  }

  @Test("a block of zeros is zeros")
  func zeros() throws {
    #expect(
      try narrowed([Float](repeating: 0, count: 64), .q8_0) == [UInt8](repeating: 0, count: 68)
    )
  }

  @Test(
    "values too small for any scale become zeros and do not trap",
    arguments: [0x1p-126, 0x1p-133, 0x1p-140, .leastNonzeroMagnitude] as [Float]
  )
  func subnormal(value: Float) throws {
    var values = [Float](repeating: value, count: 32)
    values[7] = -value
    let bytes = try narrowed(values, .q8_0)
    #expect(try widened(bytes, .q8_0, count: 32).allSatisfy { $0 == 0 })
  }

  @Test("values that are no numbers do not trap")
  func notFinite() throws {
    var values = [Float](repeating: 1, count: 64)
    values[3] = .nan
    values[40] = .infinity
    #expect(try narrowed(values, .q8_0).count == 68)
  }
}
