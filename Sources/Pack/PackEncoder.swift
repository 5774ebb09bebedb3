internal import CKernels
internal import Tensors
internal import Zstandard

/// Encodes the bytes of one chunk; Formats/moepack.md, "Chunks section".
///
/// Holds its contexts and scratch memory, so each worker has its own.
final class PackEncoder {
  private let exponents: Compressor
  private let general: Compressor
  private var planes: [UInt8] = []
  private var frame: [UInt8] = []

  init() throws {
    exponents = try Compressor(.exponents)
    general = try Compressor(.general)
  }

  /// Encodes a chunk of a part of the given type.
  func encode(_ bytes: UnsafeRawBufferPointer, type: ElementType) throws -> (
    codec: PackChunk.Codec, stored: [UInt8]
  ) {
    switch type {
    case .bf16, .f16: try encodePlanes(bytes, count: 2, codec: .planes16)
    case .f32: try encodePlanes(bytes, count: 4, codec: .planes32)
    default: try encodeWhole(bytes)
    }
  }

  private func encodeWhole(_ bytes: UnsafeRawBufferPointer) throws -> (PackChunk.Codec, [UInt8]) {
    if let frame = try compressed(bytes, with: general) { return (.zstd, Array(frame)) }
    return (.raw, Array(bytes))
  }

  private func encodePlanes(_ bytes: UnsafeRawBufferPointer, count: Int, codec: PackChunk.Codec)
    throws -> (PackChunk.Codec, [UInt8])
  {
    let words = bytes.count / count
    guard words * count == bytes.count, words > 0 else { return try encodeWhole(bytes) }
    split(bytes, words: words, planes: count)
    var directory: [UInt32] = []
    var body: [UInt8] = []
    body.reserveCapacity(bytes.count + 4 * count)
    body.append(contentsOf: repeatElement(0, count: 4 * count))
    for plane in 0..<count {
      try planes.withUnsafeBytes { all in
        let piece = UnsafeRawBufferPointer(rebasing: all[plane * words..<(plane + 1) * words])
        if let frame = try compressed(piece, with: exponents) {
          directory.append(UInt32(frame.count) | 1 << 31)
          body.append(contentsOf: frame)
        } else {
          directory.append(UInt32(words))
          body.append(contentsOf: piece)
        }
      }
    }
    if body.count >= bytes.count { return (.raw, Array(bytes)) }
    for (plane, word) in directory.enumerated() {
      for byte in 0..<4 { body[4 * plane + byte] = UInt8(truncatingIfNeeded: word >> (8 * byte)) }
    }
    return (codec, body)
  }

  /// The zstd frame of `bytes`, if it saves three parts in a hundred; a sample decides first.
  private func compressed(_ bytes: UnsafeRawBufferPointer, with compressor: Compressor) throws
    -> ArraySlice<UInt8>?
  {
    let room = Compressor.bound(bytes.count)
    if frame.count < room { frame = [UInt8](repeating: 0, count: room) }
    let sample = 64 << 10
    return try frame.withUnsafeMutableBytes { buffer -> Int? in
      if bytes.count > 2 * sample {
        // The middle of the chunk, since a tensor's first rows may be unlike the rest.
        let start = (bytes.count - sample) / 2
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<start + sample])
        guard let count = try compressor.compress(piece, into: buffer), count * 100 <= sample * 97
        else { return nil }
      }
      guard let count = try compressor.compress(bytes, into: buffer),
        count * 100 <= bytes.count * 97
      else { return nil }
      return count
    }.map { frame[..<$0] }
  }

  private func split(_ bytes: UnsafeRawBufferPointer, words: Int, planes count: Int) {
    if planes.count < bytes.count { planes = [UInt8](repeating: 0, count: bytes.count) }
    planes.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress, let source = bytes.baseAddress else { return }
      if count == 2 {
        moepack_split_rotated16(source, base, base + words, words)
      } else {
        moepack_split_rotated32(source, base, words)
      }
    }
  }
}
