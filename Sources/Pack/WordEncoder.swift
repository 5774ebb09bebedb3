internal import CKernels

/// Encodes 16-bit and 32-bit words as codes and rests; Formats/moepack.md, "Coded words".
///
/// Holds its scratch memory, so each worker has its own.
final class WordEncoder {
  /// A chunk of coded words.
  struct Chunk {
    let stored: [UInt8]
    /// Whether a search for repeats may save more: codes are short, or zstd found many in the rests.
    let mayRepeat: Bool
  }

  /// Streams of a chunk.
  static let streams = 4
  /// Bytes of the plane of symbols ahead of the lengths of codes.
  static let headerBytes = 4 + 4 * streams
  /// What the kernels may write behind a stream or plane.
  private static let slack = 8

  private let compressor: PlaneCompressor
  private let halves = ScratchMemory()
  private let symbols = ScratchMemory()
  private let rests = ScratchMemory()
  private var counts = [UInt32](repeating: 0, count: 1024)

  /// An encoder that offers to `compressor` what is not coded.
  init(_ compressor: PlaneCompressor) { self.compressor = compressor }

  /// Encodes 16-bit words.
  ///
  /// - Returns: The chunk, or nil if codes do not save three parts in a hundred.
  func encode16(_ words: UnsafeRawBufferPointer) throws -> Chunk? {
    guard let code = try chooseCode(words) else { return nil }
    var chunk = PlaneChunk(planes: 2, capacity: words.count)
    let restsRepeat = try append(words, code, to: &chunk)
    return Chunk(
      stored: chunk.stored,
      mayRepeat: restsRepeat || isShort(code, words.count / 2)
    )
  }

  /// Encodes 32-bit words, of each the upper half as a word and the lower in planes of bytes.
  ///
  /// - Returns: The chunk, or nil if codes do not save three parts in a hundred of the upper halves.
  func encode32(_ bytes: UnsafeRawBufferPointer) throws -> Chunk? {
    let count = bytes.count / 4
    let room = halves.take(bytes.count)
    let upper = UnsafeRawBufferPointer(room.part(0, 2 * count))
    let lowest = UnsafeRawBufferPointer(room.part(2 * count, count))
    let second = UnsafeRawBufferPointer(room.part(3 * count, count))
    guard let base = room.baseAddress else { return nil }
    moepack_split_halves(bytes.baseAddress, base, base + 2 * count, base + 3 * count, count)
    guard let code = try chooseCode(upper) else { return nil }
    var chunk = PlaneChunk(planes: 4, capacity: bytes.count)
    let restsRepeat = try append(upper, code, to: &chunk)
    try chunk.append(lowest, framedBy: compressor)
    try chunk.append(second, framedBy: compressor)
    return Chunk(stored: chunk.stored, mayRepeat: restsRepeat || isShort(code, count))
  }

  // MARK: - Choice

  /// The code to use for `words`, or nil if none gains enough.
  private func chooseCode(_ words: UnsafeRawBufferPointer) throws -> WordCode? {
    moepack_count_symbols(words.baseAddress, words.count / 2, &counts)
    // Repeats in the low bytes are only found while they stand on bytes.
    let widths = try lowBytesGain(words) ? 8...8 : WordCode.symbolBits
    let codes = widths.compactMap { WordCode(counts: counts, symbolBits: $0) }
    let bitCounts = codes.map { $0.bitCount(counts) }
    guard let bits = bitCounts.min(), let choice = bitCounts.firstIndex(of: bits) else {
      return nil
    }
    let code = codes[choice]
    let size =
      WordEncoder.headerBytes + code.storedLengths.count + WordEncoder.streams + bits / 8
    return size * 100 <= words.count * 97 ? code : nil
  }

  /// Whether zstd gains on a sample of the rotated words' low bytes.
  private func lowBytesGain(_ words: UnsafeRawBufferPointer) throws -> Bool {
    let count = words.count / 2
    let sample = min(count, PlaneCompressor.sampleBytes)
    let first = (count - sample) / 2
    let room = rests.take(sample + WordEncoder.slack)
    moepack_pack_rests(words.baseAddress.map { $0 + 2 * first }, sample, 8, room.baseAddress)
    return try compressor.frame(of: UnsafeRawBufferPointer(room.part(0, sample))) != nil
  }

  /// Whether codes are shorter than those of weights, which take two bits and more for an exponent
  /// and nearly one for each bit of the mantissa.
  private func isShort(_ code: WordCode, _ words: Int) -> Bool {
    let codeBits = code.bitCount(counts) - words * code.restBits
    return codeBits < words * (code.symbolBits - 6)
  }

  // MARK: - Planes

  /// Appends symbols and rests.
  ///
  /// - Returns: Whether zstd left less than a quarter of the rests.
  private func append(_ words: UnsafeRawBufferPointer, _ code: WordCode, to chunk: inout PlaneChunk)
    throws -> Bool
  {
    chunk.append(symbolPlane(words, code))
    let count = words.count / 2
    let size = (count * code.restBits + 7) / 8
    let room = rests.take(size + WordEncoder.slack)
    moepack_pack_rests(words.baseAddress, count, UInt32(code.restBits), room.baseAddress)
    let plane = UnsafeRawBufferPointer(room.part(0, size))
    guard code.restBits == 8 else {
      chunk.append(plane)
      return false
    }
    let start = chunk.stored.count
    try chunk.append(plane, framedBy: compressor)
    return (chunk.stored.count - start) * 4 < size
  }

  private func symbolPlane(_ words: UnsafeRawBufferPointer, _ code: WordCode)
    -> UnsafeRawBufferPointer
  {
    let count = words.count / 2
    let lengths = code.storedLengths
    let header = WordEncoder.headerBytes + lengths.count
    let streamBits = code.bitCount(counts) - count * code.restBits
    let room = symbols.take(header + streamBits / 8 + WordEncoder.streams + WordEncoder.slack)
    room.part(0, WordEncoder.headerBytes).initializeMemory(as: UInt8.self, repeating: 0)
    room[0] = UInt8(code.symbolBits)
    room.part(WordEncoder.headerBytes, lengths.count).copyBytes(from: lengths)
    let codes = code.codes
    let share = (count + WordEncoder.streams - 1) / WordEncoder.streams
    var position = header
    for stream in 0..<WordEncoder.streams {
      let first = min(stream * share, count)
      let length = moepack_encode_words(
        words.baseAddress.map { $0 + 2 * first },
        min(share, count - first),
        UInt32(code.symbolBits),
        codes,
        room.baseAddress.map { $0 + position }
      )
      room.storeBytes(
        of: UInt32(length).littleEndian,
        toByteOffset: 4 + 4 * stream,
        as: UInt32.self
      )
      position += length
    }
    return UnsafeRawBufferPointer(room.part(0, position))
  }
}
