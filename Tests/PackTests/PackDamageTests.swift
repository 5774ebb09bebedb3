import JSON
import Storage
import Tensors
import TestSupport
import Testing

@testable import Pack

@Suite("Damaged packs")
struct PackDamageTests {
  /// A pack of a few kilobytes with every codec, padding between chunks and all sections filled.
  private func sample(_ place: PackFolder) throws -> [UInt8] {
    var random = SeededRandom(seed: 21)
    let writer = try PackWriter(replacing: place.folder("out.moepack"), threads: 1)
    let header = Array("{\"a\":1}".utf8)
    let number = try writer.addWeights(path: "m.safetensors", kind: .safetensors, header: header)
    let text = Array(repeating: UInt8(ascii: "x"), count: 301)
    try writer.addFile(path: "t/x.txt", byteCount: 301) { range, buffer in
      buffer.copyBytes(from: text[range])
    }
    var parts: [Int] = []
    for tensor in [
      RawTensor("u", .bf16, [16, 24], using: &random),
      RawTensor("v", .bf16, [16, 20], using: &random),
      RawTensor("s", .f32, [150], using: &random), RawTensor("n", .u8, [13], random.bytes(13)),
      RawTensor("z", .bf16, [40], [UInt8](repeating: 0, count: 80)),
      RawTensor("o", .f32, [40], [UInt8](repeating: 1, count: 160)),
    ] {
      parts.append(
        try writer.addTensor(
          TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape),
          byteCount: tensor.bytes.count,
          fileNumber: number
        ) { range, buffer in buffer.copyBytes(from: tensor.bytes[range]) }.part
      )
    }
    writer.addMatrix(
      PackMatrix(
        layer: 0,
        expert: 1,
        projection: .gate,
        form: .factors,
        rows: 24,
        columns: 20,
        parts: [parts[0], parts[1]]
      )
    )
    try writer.finish(model: ["kind": "compressed", "layers": [["layer": 0, "kept": [1]]]])
    return try place.folder.bytes(of: "out.moepack")
  }

  @Test("any byte changed anywhere is found")
  func everyByte() throws {
    let place = try PackFolder()
    var bytes = try sample(place)
    #expect(place.problems(bytes) == [])
    let codecs = Set(HandmadePack(bytes).chunks.map(\.codec))
    #expect(codecs == [0, 1, 2, 3, 4, 5])
    for offset in bytes.indices {
      let mask: UInt8 = 1 << UInt8(offset % 8)
      bytes[offset] ^= mask
      #expect(!place.problems(bytes).isEmpty, "byte \(offset) of \(bytes.count)")
      bytes[offset] ^= mask
    }
  }

  @Test("a byte changed in header, footer or a section that opening reads is found on opening")
  func onOpening() throws {
    let place = try PackFolder()
    var bytes = try sample(place)
    let sections = HandmadePack.sections(of: bytes)
    var offsets = Array(0..<64) + Array(bytes.count - 160..<bytes.count)
    for number in [0, 2, 3, 4] { offsets += Array(sections[number]) }
    for offset in offsets {
      bytes[offset] ^= 0x10
      #expect(place.openingError(bytes) != nil, "byte \(offset)")
      bytes[offset] ^= 0x10
    }
  }

  @Test("damage in a chunk is found when it is read, and only there")
  func inChunk() throws {
    let place = try PackFolder()
    var bytes = try sample(place)
    let chunk = HandmadePack(bytes).chunks[2]
    bytes[Int(chunk.offset) + 20] ^= 4
    let pack = try place.open(bytes)
    #expect(throws: PackError.damaged(file: pack.path, place: "chunk 2 of 'u'")) {
      try pack.bytes(ofTensor: 0)
    }
    _ = try pack.bytes(ofTensor: 1)
    #expect(place.problems(bytes).count == 1)
  }

  @Test("a seeded sample of changed bytes in a large body is found, by one thread and by two")
  func largeBody() throws {
    let place = try PackFolder()
    var random = SeededRandom(seed: 22)
    var bytes = try place.write([
      RawTensor("w", .bf16, [1 << 20], using: &random),
      RawTensor("n", .u8, [600_000], random.bytes(600_000)),
    ])
    let end = HandmadePack.sections(of: bytes)[1].upperBound
    for round in 0..<24 {
      let offset = Int.random(in: 64..<end, using: &random)
      bytes[offset] ^= 1 << UInt8(round % 8)
      #expect(!place.problems(bytes, threads: 1 + round % 2).isEmpty, "byte \(offset)")
      bytes[offset] ^= 1 << UInt8(round % 8)
    }
    #expect(place.problems(bytes, threads: 2) == [])
  }

  @Test("a pack cut short anywhere is refused on opening")
  func truncated() throws {
    let place = try PackFolder()
    let bytes = try sample(place)
    for count in bytes.indices {
      let error = place.openingError(Array(bytes[..<count]))
      #expect(error != nil, "\(count) bytes")
      if count < 8 { #expect(error == .notAPack(file: place.folder("test.moepack"))) }
    }
  }

  @Test("bytes behind the end are refused, also a second pack")
  func trailing() throws {
    let place = try PackFolder()
    let bytes = try sample(place)
    for tail in [[0], [UInt8](repeating: 0, count: 8), bytes] as [[UInt8]] {
      #expect(place.openingError(bytes + tail) != nil)
    }
    #expect(place.openingError([0] + bytes) == .notAPack(file: place.folder("test.moepack")))
  }

  @Test("what was damaged in a text transfer is no pack")
  func textTransfer() throws {
    let place = try PackFolder()
    let bytes = try sample(place)
    var stripped = bytes
    stripped.remove(at: 4)
    #expect(place.openingError(stripped) == .notAPack(file: place.folder("test.moepack")))
  }
}
