internal import LinearAlgebra
internal import Storage
package import SystemPackage

/// Residual streams on disk in two slots used in turn, so that a killed pass finds those behind its
/// last finished layer; Formats/journal.md.
package final class StreamCheckpoint {
  private let file: SpoolFile
  private let path: FilePath

  /// Opens or creates the file at `path`.
  package init(_ path: FilePath) throws {
    self.path = path
    file = try SpoolFile(at: path)
  }

  /// Writes `streams` into a slot and syncs.
  ///
  /// - Parameters:
  ///   - streams: The streams, of the same shapes in every call of one pass.
  ///   - slot: 0 or 1.
  /// - Returns: The checksum of the slot's bytes.
  /// - Throws: `StorageError` if a stream cannot be read or the file not be written.
  package func save(_ streams: [HiddenStream], slot: Int) throws -> UInt64 {
    var checksum = Checksum()
    var offset = slot * StreamCheckpoint.slotBytes(streams)
    for stream in streams {
      for number in stream.groups.indices {
        let h = try stream.load(number)
        let bytes = UnsafeRawBufferPointer(h.elements)
        checksum.update(bytes)
        try file.write(bytes, at: offset)
        offset += bytes.count
      }
    }
    try file.sync()
    return checksum.value
  }

  /// Fills `streams` from a slot.
  ///
  /// - Parameters:
  ///   - streams: Streams of the shapes that were saved.
  ///   - slot: 0 or 1.
  ///   - expected: The checksum that `save` gave.
  /// - Throws: `StorageError.lostWorkFile` if the slot does not hold those bytes.
  package func restore(_ streams: [HiddenStream], slot: Int, checksum expected: UInt64) throws {
    var checksum = Checksum()
    var offset = slot * StreamCheckpoint.slotBytes(streams)
    guard offset + StreamCheckpoint.slotBytes(streams) <= FileSystem.byteCount(path) ?? 0 else {
      throw StorageError.lostWorkFile(path: path)
    }
    for stream in streams {
      for number in stream.groups.indices {
        let h = stream.blank(number)
        try file.read(UnsafeMutableRawBufferPointer(h.elements), at: offset)
        let bytes = UnsafeRawBufferPointer(h.elements)
        checksum.update(bytes)
        offset += bytes.count
        try stream.store(h, number)
      }
    }
    guard checksum.value == expected else { throw StorageError.lostWorkFile(path: path) }
  }

  /// Bytes of a slot for `streams`.
  private static func slotBytes(_ streams: [HiddenStream]) -> Int {
    streams.reduce(0) { $0 + HiddenStream.byteCount(tokens: $1.tokenCount, width: $1.width) }
  }
}
