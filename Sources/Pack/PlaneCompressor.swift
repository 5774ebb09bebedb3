internal import Zstandard

/// zstd frames of planes and chunks, made where they gain enough.
///
/// Holds its context and room for a frame, so each worker has its own.
final class PlaneCompressor {
  /// Bytes that are tried before a whole plane is.
  static let sampleBytes = 16 << 10

  private let compressor: Compressor
  private let room = ScratchMemory()

  init(_ style: CompressionStyle) throws { compressor = try Compressor(style) }

  /// The zstd frame of `bytes`, valid until the next call; nil unless it saves three parts in a
  /// hundred.
  func frame(of bytes: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer? {
    let sample = PlaneCompressor.sampleBytes
    if bytes.count > 2 * sample {
      // The middle, since a tensor's first rows may be unlike the rest.
      let start = (bytes.count - sample) / 2
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<start + sample])
      guard try compressed(piece) != nil else { return nil }
    }
    return try compressed(bytes)
  }

  private func compressed(_ bytes: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer? {
    let buffer = room.take(Compressor.bound(bytes.count))
    guard let count = try compressor.compress(bytes, into: buffer), count * 100 <= bytes.count * 97
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: buffer[..<count])
  }
}
