import JSON
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Pack

@Suite("Pack writer")
struct PackWriterTests {
  private struct Interrupted: Error, Equatable {}

  @Test("an empty pack is header, sections and footer as the format page has them")
  func layout() throws {
    let place = try PackFolder()
    let bytes = try place.write([], model: ["kind": "lossless"])
    let model = Array(#"{"kind":"lossless"}"#.utf8)
    #expect(bytes.count == 64 + 24 + 160)
    #expect(Array(bytes[..<8]) == HandmadePack.magic)
    #expect(Array(bytes[8..<16]) == [1, 0, 0, 0, 64, 0, 0, 0])
    #expect(bytes[16..<56].allSatisfy { $0 == 0 })
    #expect(bytes.integer(UInt64.self, at: 56) == Checksum.of(Array(bytes[..<56])))
    #expect(Array(bytes[64..<64 + model.count]) == model)
    #expect(HandmadePack.sections(of: bytes) == [64..<64, 64..<64, 64..<64, 64..<64, 64..<83])
    let footer = bytes.count - 160
    #expect(bytes.integer(UInt64.self, at: footer + 136) == UInt64(bytes.count))
    #expect(Array(bytes[(footer + 152)...]) == HandmadePack.magic)
    #expect(firstDifference(HandmadePack(bytes).bytes(), bytes) == nil)
  }

  @Test("a pack by hand from the format page is read, and the writer's is made the same way")
  func handmade() throws {
    let place = try PackFolder()
    let pack = try place.open(HandmadePack.small.bytes())
    #expect(pack.tensors.map(\.name) == ["a", "b"])
    #expect(try pack.bytes(ofTensor: 0) == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(try pack.bytes(ofTensor: 1) == [5, 4, 3, 2, 1])
    #expect(try pack.contents(ofFile: "f.txt") == [9, 9, 9])
    #expect(place.problems(HandmadePack.small.bytes()) == [])
    var random = SeededRandom(seed: 1)
    let written = try place.write([RawTensor("w", .bf16, [64, 64], using: &random)])
    #expect(firstDifference(HandmadePack(written).bytes(), written) == nil)
  }

  @Test("a larger minor version and unknown optional features are read")
  func later() throws {
    let place = try PackFolder()
    var pack = HandmadePack.small
    pack.header.put(UInt16(7), at: 10)
    pack.header.put(UInt64.max, at: 24)
    #expect(place.problems(pack.bytes()) == [])
  }

  @Test("given up, it leaves nothing")
  func abandoned() throws {
    let place = try PackFolder()
    let writer = try PackWriter(replacing: place.folder("out.moepack"), threads: 2)
    #expect(throws: Interrupted()) {
      try writer.addTensor(
        TensorLayout(name: "a", type: .u8, shape: [5 << 20]),
        byteCount: 5 << 20
      ) { range, _ in
        if range.lowerBound >= 3 << 20 { throw Interrupted() }
      }
    }
    _ = consume writer
    #expect(place.folder.names == [])
  }

  @Test("two of one name are refused before a reader has to")
  func twice() throws {
    let place = try PackFolder()
    let path = place.folder("out.moepack")
    #expect(
      throws: PackError.cannotStore(
        file: path,
        name: "a",
        reason: "a pack cannot hold two of one name"
      )
    ) {
      try place.write([RawTensor("a", .u8, [1], [1]), RawTensor("a", .u8, [1], [2])])
    }
    #expect(place.folder.names == [])
    // The same name for a tensor and for a file is no repetition.
    let bytes = try place.write([RawTensor("a", .u8, [1], [1])], files: [("a", [1])])
    #expect(place.problems(bytes) == [])
  }

  @Test("what a record has no room for is refused by name")
  func tooLong() throws {
    let place = try PackFolder()
    let long = String(repeating: "n", count: 65536)
    for tensor in [
      RawTensor(long, .u8, [1], [1]), RawTensor("a", .u8, [Int](repeating: 1, count: 17), [1]),
      RawTensor("a", .unknown(String(repeating: "T", count: 256)), [1], [1]),
    ] {
      #expect(throws: PackError.self) { try place.write([tensor]) }
    }
    let limit = [
      RawTensor(String(long.dropLast()), .u8, [Int](repeating: 1, count: 16), [1]),
      RawTensor("a", .unknown(String(repeating: "T", count: 255)), [1], [1]),
    ]
    #expect(place.problems(try place.write(limit)) == [])
  }

  @Test("an unknown type that would come back as a known one, or as none, is refused")
  func otherType() throws {
    let place = try PackFolder()
    for name in ["Q8_0", "F32", "X\u{0}"] {
      let error = #expect(throws: PackError.self) {
        try place.write([RawTensor("a", .unknown(name), [1], [1])])
      }
      guard case .cannotStore(_, "a", let reason) = error else {
        Issue.record("another error: \(String(describing: error))")
        return
      }
      #expect(reason.contains(name))
    }
    #expect(place.folder.names == [])
  }
}
