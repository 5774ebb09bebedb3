internal import Zstandard

/// Decodes planes that are raw or a zstd frame.
///
/// Holds its context, so each worker has its own.
final class PlaneDecoder {
  /// Made for the first frame, since most chunks have none.
  private var decompressor: Decompressor?

  /// Decodes a plane that must fill `target` exactly.
  func decode(_ plane: PlaneDirectory.Plane, into target: UnsafeMutableRawBufferPointer)
    throws(ChunkProblem)
  {
    guard !plane.isFrame else { return try unfold(plane.bytes, into: target) }
    guard plane.bytes.count == target.count else {
      throw ChunkProblem("a raw plane of another length")
    }
    target.copyMemory(from: plane.bytes)
  }

  /// Decodes a zstd frame that must fill `target` exactly.
  func unfold(_ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer)
    throws(ChunkProblem)
  {
    do throws(ZstandardError) {
      try context().decompress(frame, into: target)
    } catch { throw ChunkProblem(error.description) }
  }

  private func context() throws(ZstandardError) -> Decompressor {
    if let decompressor { return decompressor }
    let made = try Decompressor()
    decompressor = made
    return made
  }
}
