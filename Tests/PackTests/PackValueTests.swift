import Tensors
import TestSupport
import Testing

@testable import Pack

@Suite("Values of packs")
struct PackValueTests {
  /// Zeros of a type, with bytes put somewhere.
  private func tensor(_ name: String, _ type: ElementType, _ count: Int, _ put: [Int: [UInt8]])
    throws -> RawTensor
  {
    var bytes = [UInt8](repeating: 0, count: try type.byteCount(shape: [count]))
    for (offset, value) in put { bytes.put(value, at: offset) }
    return RawTensor(name, type, [count], bytes)
  }

  @Test("verify names the tensors with values that are not finite", arguments: 1...3)
  func everyType(threads: Int) throws {
    let place = try PackFolder()
    let infinity: [UInt8] = .littleEndian(Float.infinity.bitPattern)
    let half: [UInt8] = [0x00, 0x7C]
    let bytes = try place.write([
      try tensor("fine", .bf16, 1 << 20, [0: [0x7F, 0x7F]]),
      try tensor("first", .bf16, 1 << 20, [0: [0x80, 0x7F]]),
      try tensor("last", .bf16, 1 << 20, [(2 << 20) - 2: [0xC0, 0xFF]]),
      try tensor("single", .f32, 600_000, [1_500_000: infinity]),
      try tensor("half", .f16, 3, [4: half]),
      try tensor("double", .f64, 2, [8: .littleEndian(Double.nan.bitPattern)]),
      try tensor("bytes", .u8, 8, [0: [UInt8](repeating: 0xFF, count: 8)]),
      try tensor("long", .i32, 2, [0: [UInt8](repeating: 0xFF, count: 8)]),
      try tensor("eighth", .f8E4M3, 8, [7: [0x7F]]),
      try tensor("sixth", .f6E3M2, 4, [0: [0xFF, 0xFF, 0xFF]]),
      try tensor("levels", .q4_k, 256, [2: [UInt8](repeating: 0x7B, count: 142)]),
      try tensor("minimum", .q4_k, 512, [146: half]),
      try tensor("dispersed", .iq1_m, 256, [53: [0xC0], 55: [0x70]]),
    ])
    #expect(place.problems(bytes, threads: threads) == [])
    let names = [
      "first", "last", "single", "half", "double", "eighth", "minimum", "dispersed",
    ]
    #expect(try place.notFinite(bytes, threads: threads) == names)
  }

  @Test("a block that lies in two chunks is seen, wherever it is cut", arguments: 1...3)
  func acrossChunks(threads: Int) throws {
    let place = try PackFolder()
    // 34 bytes a block: block 30,840 starts 16 bytes ahead of the end of the first chunk.
    let block = (1 << 20) / 34
    #expect(block * 34 < 1 << 20 && (block + 1) * 34 > 1 << 20)
    for (name, number) in [("before", block - 1), ("across", block), ("after", block + 1)] {
      let bytes = try place.write(
        [try tensor(name, .q8_0, 32 * 70_000, [34 * number: [0x01, 0x7C]])],
        threads: 2
      )
      #expect(try place.notFinite(bytes, threads: threads) == [name])
    }
    let sound = try place.write([try tensor("sound", .q8_0, 32 * 70_000, [:])])
    #expect(try place.notFinite(sound, threads: threads) == [])
  }

  @Test("chunks of any size show the same values", arguments: 1...5)
  func smallChunks(size: Int) throws {
    let place = try PackFolder()
    for bad in 0..<6 {
      var values = [UInt32](repeating: 0x3F80_0000, count: 6)
      values[bad] = 0x7FC0_0000
      let content = values.flatMap { [UInt8].littleEndian($0) }
      var pack = HandmadePack()
      pack.add("a", "F32", [6], content)
      pack.chunks = []
      pack.body = []
      for start in stride(from: 0, to: content.count, by: size) {
        let piece = Array(content[start..<min(start + size, content.count)])
        pack.addChunk(piece, decodedBytes: piece.count, codec: 0)
      }
      pack.parts[0].chunkCount = UInt32(pack.chunks.count)
      if let last = pack.chunks.last {
        pack.parts[0].end = last.offset + UInt64(last.storedBytes)
      }
      for threads in 1...3 {
        #expect(place.problems(pack.bytes(), threads: threads) == [])
        #expect(try place.notFinite(pack.bytes(), threads: threads) == ["a"])
      }
    }
  }

  @Test("values of a part that is damaged are not looked at")
  func damaged() throws {
    let place = try PackFolder()
    var pack = HandmadePack()
    pack.add("a", "F32", [1], .littleEndian(Float.nan.bitPattern))
    pack.chunks[0].hash ^= 1
    #expect(place.problems(pack.bytes()).count == 1)
    #expect(try place.notFinite(pack.bytes()) == [])
  }
}
