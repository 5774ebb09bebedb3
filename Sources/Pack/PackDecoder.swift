internal import CKernels

/// Decodes the bytes of one chunk; Formats/moepack.md, "Chunks section".
///
/// Holds its context and scratch memory; used by one thread at a time.
final class PackDecoder: @unchecked Sendable {
  private let planes = PlaneDecoder()
  private let words: WordDecoder
  private let scratch = ScratchMemory()

  init() { words = WordDecoder(planes) }

  /// Decodes `stored` into `target`, which has room for exactly the decoded bytes.
  ///
  /// - Throws: ``ChunkProblem`` if `stored` breaks a rule of the format.
  func decode(
    _ stored: UnsafeRawBufferPointer,
    codec: PackChunk.Codec,
    into target: UnsafeMutableRawBufferPointer
  ) throws(ChunkProblem) {
    switch codec {
    case .raw:
      guard stored.count == target.count else {
        throw ChunkProblem("a raw chunk of another length")
      }
      target.copyMemory(from: stored)
    case .zstd: try planes.unfold(stored, into: target)
    case .planes16: try decodePlanes(stored, count: 2, into: target)
    case .planes32: try decodePlanes(stored, count: 4, into: target)
    case .words16: try words.decode16(stored, into: target)
    case .words32: try words.decode32(stored, into: target)
    }
  }

  private func decodePlanes(
    _ stored: UnsafeRawBufferPointer,
    count: Int,
    into target: UnsafeMutableRawBufferPointer
  ) throws(ChunkProblem) {
    let words = target.count / count
    guard words * count == target.count else {
      throw ChunkProblem("planes that do not fit their chunk")
    }
    let directory = try PlaneDirectory(reading: stored, planes: count)
    let room = scratch.take(target.count)
    for (number, plane) in directory.planes.enumerated() {
      try planes.decode(plane, into: room.part(number * words, words))
    }
    guard let base = room.bindMemory(to: UInt8.self).baseAddress, let out = target.baseAddress
    else { return }
    if count == 2 {
      moepack_join_rotated16(base, base + words, out, words)
    } else {
      moepack_join_rotated32(base, out, words)
    }
  }
}
