import TestSupport
import Testing

@testable import GGUF

@Suite("GGUF values")
struct ValueTests {
  @Test("numbers are asked for by what they are, not by their width")
  func numbers() {
    let integers: [GGUFValue] = [
      .uint8(7), .int8(7), .uint16(7), .int16(7), .uint32(7), .int32(7), .uint64(7), .int64(7),
    ]
    #expect(integers.allSatisfy { $0.integer == 7 && $0.double == nil && $0.bool == nil })
    #expect(GGUFValue.uint64(.max).integer == nil)
    #expect(GGUFValue.int64(.min).integer == .min)
    #expect(GGUFValue.float32(1.5).double == 1.5 && GGUFValue.float64(1.5).double == 1.5)
    #expect(GGUFValue.float32(1.5).integer == nil)
    #expect(GGUFValue.bool(true).bool == true && GGUFValue.string("x").string == "x")
  }

  @Test("values are equal by type and bytes")
  func equality() {
    #expect(GGUFValue.float32(.nan) == .float32(.nan))
    #expect(GGUFValue.float32(0) != .float32(-0.0))
    #expect(GGUFValue.float64(.nan) == .float64(.nan))
    #expect(GGUFValue.string("é") != .string("e\u{301}"))
    #expect(GGUFValue.uint32(1) != .int32(1))
    #expect(GGUFValue.uint64(.max) == .uint64(.max))
    #expect(GGUFValue.uint64(.max) != .uint64(.max - 1))
    #expect(GGUFValue.uint8(3) == .uint8(3))
    #expect(GGUFValue.array(GGUFArray(["a"])) == .array(GGUFArray(["a"])))
    #expect(GGUFValue.array(GGUFArray(["a", "bc"])) != .array(GGUFArray(["ab", "c"])))
    #expect(GGUFValue.array(GGUFArray([UInt8(1)])) != .array(GGUFArray([Int8(1)])))
  }

  @Test("an array gives its elements back")
  func arrays() {
    let words = ["", "é", "▁the", "", "\u{1F600}"]
    #expect(GGUFArray(words).strings == words)
    #expect(GGUFArray(words).map(\.string) == words)
    #expect(GGUFArray([String]()).strings == [])
    #expect(GGUFArray([-1, 0, .max] as [Int32]).integers == [-1, 0, 2_147_483_647])
    #expect(GGUFArray([1, .max] as [UInt64]).integers == nil)
    #expect(GGUFArray([1, .min] as [Int64]).integers == [1, .min])
    #expect(GGUFArray([1, 65_535] as [UInt16]).integers == [1, 65_535])
    #expect(GGUFArray([-1] as [Int16]).integers == [-1])
    #expect(GGUFArray([-1] as [Int8]).integers == [-1])
    #expect(GGUFArray([200] as [UInt8]).integers == [200])
    #expect(GGUFArray([5] as [UInt32])[0] == .uint32(5))
    #expect(GGUFArray([1.5, -0.0] as [Float]).floats == [1.5, -0.0])
    #expect(GGUFArray([0.1] as [Double])[0] == .float64(0.1))
    #expect(GGUFArray([true, false]).bools == [true, false])
    #expect(GGUFArray(words).integers == nil && GGUFArray([true]).floats == nil)
  }

  @Test("keys keep their places when values change, and close up when one goes")
  func metadata() {
    var keys = GGUFMetadata([("a", .uint32(1)), ("b", .bool(true)), ("c", .string("x"))])
    keys["a"] = .uint32(2)
    keys["d"] = .int8(1)
    keys["b"] = nil
    keys["gone"] = nil
    #expect(keys.map(\.key) == ["a", "c", "d"])
    #expect(keys["a"] == .uint32(2) && keys["c"] == .string("x") && keys["d"] == .int8(1))
    #expect(keys["b"] == nil)
    #expect(keys[1].key == "c")
  }

  @Test("an array of strings costs its bytes and four more for each")
  func size() throws {
    var random = SeededRandom(seed: 4)
    let words = (0..<100_000).map { _ in String(random.next(), radix: 36) }
    let array = GGUFArray(words)
    #expect(array.bytes.count == words.reduce(0) { $0 + $1.utf8.count })
    #expect(array[99_999] == .string(words[99_999]))
  }

  @Test("written ranges are those of a list of single bytes")
  func writtenRanges() {
    var random = SeededRandom(seed: 9)
    for _ in 0..<200 {
      var ranges = WrittenRanges()
      var bytes = [Bool](repeating: false, count: 60)
      for _ in 0..<Int.random(in: 0...30, using: &random) {
        let start = Int.random(in: 0...60, using: &random)
        let end = min(60, start + Int.random(in: 0...12, using: &random))
        ranges.insert(start..<end)
        for byte in start..<end { bytes[byte] = true }
        #expect(ranges.count == bytes.count { $0 })
      }
    }
  }
}
