import TestSupport
import Testing

@testable import Storage

@Suite("Byte reader and writer")
struct ByteReaderTests {
  @Test("integers are little-endian at any offset")
  func integers() throws {
    var writer = ByteWriter()
    writer.append(UInt8(0xFE))
    writer.append(UInt16(0x0102))
    writer.append(UInt32(0x0304_0506))
    writer.append(UInt64(0x0708_090A_0B0C_0D0E))
    writer.append(Int32(-2))
    #expect(
      writer.bytes == [
        0xFE, 2, 1, 6, 5, 4, 3, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A, 9, 8, 7, 0xFE, 0xFF, 0xFF, 0xFF,
      ]
    )
    var reader = ByteReader(writer.bytes)
    #expect(try reader.integer(UInt8.self) == 0xFE)
    #expect(try reader.integer(UInt16.self) == 0x0102)
    #expect(try reader.integer(UInt32.self) == 0x0304_0506)
    #expect(try reader.integer(UInt64.self) == 0x0708_090A_0B0C_0D0E)
    #expect(try reader.integer(Int32.self) == -2)
    #expect(reader.remaining == 0)
  }

  @Test("a value that does not fit into what is left is refused and nothing is consumed")
  func truncated() throws {
    for length in 0..<8 {
      var reader = ByteReader([UInt8](repeating: 1, count: length))
      #expect(throws: ByteReader.Truncated(offset: 0, needed: 8, available: length)) {
        try reader.integer(UInt64.self)
      }
      #expect(reader.position == 0)
    }
    var reader = ByteReader([1, 2, 3])
    _ = try reader.take(1)
    for count in [3, Int.max, -1] {
      #expect(throws: ByteReader.Truncated(offset: 1, needed: count, available: 2)) {
        try reader.take(count)
      }
    }
    #expect(Array(try reader.take(2)) == [2, 3])
  }

  @Test("padding fills up to the alignment and no further")
  func padding() {
    for length in 0..<20 {
      var writer = ByteWriter()
      writer.append(bytes: [UInt8](repeating: 1, count: length))
      writer.pad(to: 8)
      #expect(writer.bytes.count == (length + 7) / 8 * 8)
      #expect(writer.bytes[length...].allSatisfy { $0 == 0 })
    }
  }
}
