internal import CKernels
internal import Tensors
internal import Zstandard

/// Encodes the bytes of one chunk; Formats/moepack.md, "Chunks section".
///
/// Holds its contexts and scratch memory, so each worker has its own.
final class PackEncoder {
  private let general: PlaneCompressor
  private let exponents: PlaneCompressor
  private let words: WordEncoder
  private let scratch = ScratchMemory()

  init() throws {
    general = try PlaneCompressor(.general)
    exponents = try PlaneCompressor(.exponents)
    words = WordEncoder(exponents)
  }

  /// Encodes a chunk of a part of the given type.
  func encode(_ bytes: UnsafeRawBufferPointer, type: ElementType) throws -> (
    codec: PackChunk.Codec, stored: [UInt8]
  ) {
    switch type {
    case .bf16, .f16: try encodeFloats(bytes, width: 2)
    case .f32: try encodeFloats(bytes, width: 4)
    default: try encodeWhole(bytes)
    }
  }

  private func encodeWhole(_ bytes: UnsafeRawBufferPointer) throws -> (PackChunk.Codec, [UInt8]) {
    if let frame = try general.frame(of: bytes) { return (.zstd, Array(frame)) }
    return (.raw, Array(bytes))
  }

  private func encodeFloats(_ bytes: UnsafeRawBufferPointer, width: Int) throws -> (
    PackChunk.Codec, [UInt8]
  ) {
    guard bytes.count % width == 0, !bytes.isEmpty else { return try encodeWhole(bytes) }
    let coded = width == 2 ? try words.encode16(bytes) : try words.encode32(bytes)
    let codec = width == 2 ? PackChunk.Codec.words16 : .words32
    if let coded, !coded.mayRepeat { return (codec, coded.stored) }
    let planes = try encodePlanes(bytes, count: width)
    if let coded, coded.stored.count < planes.stored.count { return (codec, coded.stored) }
    return planes
  }

  private func encodePlanes(_ bytes: UnsafeRawBufferPointer, count: Int) throws -> (
    codec: PackChunk.Codec, stored: [UInt8]
  ) {
    let words = bytes.count / count
    let room = scratch.take(bytes.count)
    split(bytes, words: words, planes: count, into: room)
    var chunk = PlaneChunk(planes: count, capacity: bytes.count)
    for plane in 0..<count {
      let piece = UnsafeRawBufferPointer(room.part(plane * words, words))
      try chunk.append(piece, framedBy: exponents)
    }
    if chunk.stored.count >= bytes.count { return (.raw, Array(bytes)) }
    return (count == 2 ? .planes16 : .planes32, chunk.stored)
  }

  private func split(
    _ bytes: UnsafeRawBufferPointer,
    words: Int,
    planes count: Int,
    into room: UnsafeMutableRawBufferPointer
  ) {
    guard let base = room.bindMemory(to: UInt8.self).baseAddress, let source = bytes.baseAddress
    else { return }
    if count == 2 {
      moepack_split_rotated16(source, base, base + words, words)
    } else {
      moepack_split_rotated32(source, base, words)
    }
  }
}
