internal import CKernels

/// Decodes chunks of coded words; Formats/moepack.md, "Coded words".
///
/// Holds its table and scratch memory, so each worker has its own.
final class WordDecoder {
  private let planes: PlaneDecoder
  /// Filled for each chunk.
  private let table = UnsafeMutablePointer<moepack_code_table>.allocate(capacity: 1)
  private let rests = ScratchMemory()
  private let halves = ScratchMemory()

  /// A decoder that leaves raw and framed planes to `planes`.
  init(_ planes: PlaneDecoder) { self.planes = planes }

  deinit { table.deallocate() }

  /// Decodes 16-bit words, which must fill `target`.
  ///
  /// - Throws: ``ChunkProblem`` if `stored` breaks a rule of the format.
  func decode16(_ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer)
    throws(ChunkProblem)
  {
    guard target.count % 2 == 0 else { throw ChunkProblem("half a word") }
    let directory = try PlaneDirectory(reading: stored, planes: 2)
    try decodeWords(directory, into: target)
  }

  /// Decodes 32-bit words, which must fill `target`.
  ///
  /// - Throws: ``ChunkProblem`` if `stored` breaks a rule of the format.
  func decode32(_ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer)
    throws(ChunkProblem)
  {
    guard target.count % 4 == 0 else { throw ChunkProblem("part of a word") }
    let directory = try PlaneDirectory(reading: stored, planes: 4)
    let count = target.count / 4
    let room = halves.take(target.count)
    try decodeWords(directory, into: room.part(0, 2 * count))
    try planes.decode(directory.planes[2], into: room.part(2 * count, count))
    try planes.decode(directory.planes[3], into: room.part(3 * count, count))
    guard let base = room.baseAddress else { return }
    moepack_join_halves(base, base + 2 * count, base + 3 * count, target.baseAddress, count)
  }

  /// Decodes symbols and rests, planes 0 and 1, into as many words as `words` holds.
  private func decodeWords(
    _ directory: PlaneDirectory,
    into words: UnsafeMutableRawBufferPointer
  ) throws(ChunkProblem) {
    guard !directory.planes[0].isFrame else { throw ChunkProblem("symbols in a zstd frame") }
    let restBits = try decodeSymbols(directory.planes[0].bytes, into: words)
    let bits = words.count / 2 * restBits
    let plane = rests.take((bits + 7) / 8)
    try planes.decode(directory.planes[1], into: plane)
    guard bits % 8 == 0 || plane[plane.count - 1] >> UInt8(bits % 8) == 0 else {
      throw ChunkProblem("rests with a bit left over")
    }
    moepack_join_rests(words.baseAddress, words.count / 2, UInt32(restBits), plane.baseAddress)
  }

  /// Puts symbols into the upper bits of `words`; returns how many bits the rests have.
  private func decodeSymbols(
    _ plane: UnsafeRawBufferPointer,
    into words: UnsafeMutableRawBufferPointer
  ) throws(ChunkProblem) -> Int {
    guard plane.count >= WordEncoder.headerBytes else { throw ChunkProblem("symbols cut short") }
    let symbolBits = Int(plane[0])
    guard WordCode.symbolBits.contains(symbolBits), plane[1] | plane[2] | plane[3] == 0 else {
      throw ChunkProblem("symbols of \(symbolBits) bits, or a byte in use that should be zero")
    }
    var position = WordEncoder.headerBytes
    var lengthBytes = 0
    let code = try WordCode(
      reading: UnsafeRawBufferPointer(rebasing: plane[position...]),
      symbolBits: symbolBits,
      byteCount: &lengthBytes
    )
    position += lengthBytes
    guard moepack_build_code_table(code.lengths, UInt32(symbolBits), table) != 0 else {
      throw ChunkProblem("a code that is not complete")
    }
    let lengths = (0..<WordEncoder.streams).map { plane.littleEndian(UInt32.self, at: 4 + 4 * $0) }
    guard lengths.reduce(0, { $0 + Int($1) }) == plane.count - position else {
      throw ChunkProblem("streams that do not fill their plane")
    }
    guard
      moepack_decode_words(
        table,
        plane.baseAddress.map { $0 + position },
        lengths,
        words.baseAddress,
        words.count / 2
      ) != 0
    else { throw ChunkProblem("a stream that does not end with its last code") }
    return code.restBits
  }
}
