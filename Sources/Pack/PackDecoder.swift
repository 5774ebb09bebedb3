internal import CKernels
internal import Zstandard

/// Decodes the bytes of one chunk; Formats/moepack.md, "Chunks section".
///
/// Holds its context and scratch memory, so each worker has its own.
final class PackDecoder {
  private let decompressor: Decompressor
  private var planes: [UInt8] = []

  init() throws { decompressor = try Decompressor() }

  /// Decodes `stored` into `target`, which has room for exactly the decoded bytes.
  ///
  /// - Returns: What is wrong, or nil.
  func decode(
    _ stored: UnsafeRawBufferPointer,
    codec: PackChunk.Codec,
    into target: UnsafeMutableRawBufferPointer
  ) -> String? {
    switch codec {
    case .raw:
      guard stored.count == target.count else { return "a raw chunk of another length" }
      target.copyMemory(from: stored)
      return nil
    case .zstd: return unfold(stored, into: target)
    case .planes16: return decodePlanes(stored, count: 2, into: target)
    case .planes32: return decodePlanes(stored, count: 4, into: target)
    }
  }

  private func unfold(_ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer)
    -> String?
  {
    do throws(ZstandardError) {
      try decompressor.decompress(frame, into: target)
      return nil
    } catch { return error.description }
  }

  private func decodePlanes(
    _ stored: UnsafeRawBufferPointer,
    count: Int,
    into target: UnsafeMutableRawBufferPointer
  ) -> String? {
    let words = target.count / count
    guard words * count == target.count, stored.count >= 4 * count else {
      return "planes that do not fit their chunk"
    }
    if planes.count < target.count { planes = [UInt8](repeating: 0, count: target.count) }
    var position = 4 * count
    return planes.withUnsafeMutableBytes { all -> String? in
      for plane in 0..<count {
        let word = UInt32(
          littleEndian: stored.loadUnaligned(fromByteOffset: 4 * plane, as: UInt32.self)
        )
        let length = Int(word & 0x7FFF_FFFF)
        guard length <= stored.count - position else { return "a plane past the end of its chunk" }
        let piece = UnsafeRawBufferPointer(rebasing: stored[position..<position + length])
        let room = UnsafeMutableRawBufferPointer(rebasing: all[plane * words..<(plane + 1) * words])
        if word >> 31 == 1 {
          if let problem = unfold(piece, into: room) { return problem }
        } else {
          guard length == words else { return "a raw plane of another length" }
          room.copyMemory(from: piece)
        }
        position += length
      }
      guard position == stored.count else { return "bytes behind the last plane" }
      guard let base = all.bindMemory(to: UInt8.self).baseAddress, let out = target.baseAddress
      else { return nil }
      if count == 2 {
        moepack_join_rotated16(base, base + words, out, words)
      } else {
        moepack_join_rotated32(base, out, words)
      }
      return nil
    }
  }
}
