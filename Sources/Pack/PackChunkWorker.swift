internal import Storage
internal import Tensors

/// Reads and encodes one chunk at a time into memory of its own; used by one thread at a time.
final class PackChunkWorker: @unchecked Sendable {
  private let encoder: PackEncoder
  private var room = [UInt8](repeating: 0, count: PackLayout.chunkBytes)
  private(set) var stored: [UInt8] = []
  private(set) var decodedBytes = 0
  private(set) var codec = PackChunk.Codec.raw
  private(set) var hash: UInt64 = 0

  init() throws { encoder = try PackEncoder() }

  /// Fetches `range` of a part from `source` and encodes it.
  func encode(_ range: Range<Int>, type: ElementType, _ source: PackWriter.Source) throws {
    decodedBytes = range.count
    try room.withUnsafeMutableBytes { all in
      let bytes = UnsafeMutableRawBufferPointer(rebasing: all[..<range.count])
      try source(range, bytes)
      (codec, stored) = try encoder.encode(UnsafeRawBufferPointer(bytes), type: type)
    }
    hash = Checksum.of(stored)
  }

  /// Adds the bytes that were fetched to the checksum of their part.
  func addDecoded(to checksum: inout Checksum) {
    room.withUnsafeBytes { checksum.update(UnsafeRawBufferPointer(rebasing: $0[..<decodedBytes])) }
  }
}
