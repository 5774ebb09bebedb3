@testable import Pack
import Storage
import Tensors
import Worker

/// Bytes in memory, with what packs make of them.
struct Coding {
  /// One encoded chunk.
  struct Chunk {
    var codec: PackChunk.Codec
    var bytes: [UInt8]
    var hash: UInt64
  }

  let plain: [UInt8]
  var chunks: [Chunk] = []
  var decoded: [UInt8]

  init(_ plain: [UInt8]) {
    self.plain = plain
    decoded = [UInt8](repeating: 0, count: plain.count)
  }

  /// The chunks, and the hash of the whole beside them.
  func encoded() throws -> [Chunk] {
    let encoder = try PackEncoder()
    var whole = Checksum()
    return try plain.withUnsafeBytes { all in
      try pieces.map { piece in
        let bytes = UnsafeRawBufferPointer(rebasing: all[piece])
        whole.update(bytes)
        let (codec, stored) = try encoder.encode(bytes, type: .bf16)
        return Chunk(codec: codec, bytes: stored, hash: Checksum.of(stored))
      }
    }
  }

  /// Checks the hash of each chunk and decodes it.
  mutating func decode() throws {
    let decoder = PackDecoder()
    let pieces = pieces
    try decoded.withUnsafeMutableBytes { all in
      for (chunk, piece) in zip(chunks, pieces) {
        if Checksum.of(chunk.bytes) != chunk.hash { fail("a chunk changed in memory") }
        let room = UnsafeMutableRawBufferPointer(rebasing: all[piece])
        try chunk.bytes.withUnsafeBytes {
          try decoder.decode($0, codec: chunk.codec, into: room)
        }
      }
    }
  }

  /// Copies the bytes and does no more.
  mutating func copy() {
    decoded.withUnsafeMutableBytes { target in
      plain.withUnsafeBytes { target.copyMemory(from: $0) }
    }
  }

  private var pieces: [Range<Int>] {
    stride(from: 0, to: plain.count, by: PackLayout.chunkBytes).map {
      $0..<min($0 + PackLayout.chunkBytes, plain.count)
    }
  }
}
