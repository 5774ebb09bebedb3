import Tensors
import TestSupport
import Testing

@testable import Pack

/// Chunks of coded words that break the rules of Formats/moepack.md.
@Suite("Hostile coded words")
struct HostileWordTests {
  /// A chunk of codec 4 in its pieces.
  private struct Chunk {
    var symbolBits: UInt8 = 8
    var zeros: [UInt8] = [0, 0, 0]
    /// Symbols 1 and 2 have a bit each; the run behind them fills the rest.
    var lengths: [UInt8] = [0x00, 0x10, 0x01, 0xFC]
    /// Eight words, two to a stream: symbols 1, 2.
    var streams: [[UInt8]] = Array(repeating: [0b0100_0000], count: 4)
    var rests: [UInt8] = Array(1...8)
    var restsAreFramed = false
    var symbolsAreFramed = false
    var tail: [UInt8] = []

    var stored: [UInt8] {
      var plane = [symbolBits] + zeros
      for stream in streams { plane += .littleEndian(UInt32(stream.count)) }
      plane += lengths + streams.joined()
      let words = [
        UInt32(plane.count) | (symbolsAreFramed ? 1 << 31 : 0),
        UInt32(rests.count) | (restsAreFramed ? 1 << 31 : 0),
      ]
      return words.flatMap { [UInt8].littleEndian($0) } + plane + rests + tail
    }
  }

  private func decode(_ stored: [UInt8], byteCount: Int = 16, codec: PackChunk.Codec = .words16)
    throws -> [UInt8]
  {
    var room = [UInt8](repeating: 0, count: byteCount)
    try room.withUnsafeMutableBytes { room in
      try stored.withUnsafeBytes {
        try PackDecoder().decode($0, codec: codec, into: room)
      }
    }
    return room
  }

  private func expectRefused(
    _ words: String,
    byteCount: Int = 16,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout Chunk) -> Void
  ) {
    var chunk = Chunk()
    change(&chunk)
    let problem = #expect(throws: ChunkProblem.self, sourceLocation: sourceLocation) {
      try decode(chunk.stored, byteCount: byteCount)
    }
    let reason = problem?.reason ?? ""
    #expect(reason.contains(words), "\(reason)", sourceLocation: sourceLocation)
  }

  @Test("a chunk by hand decodes to what the format page says")
  func byHand() throws {
    let words = (0..<8).map { index -> UInt16 in
      let rotated = UInt16(index % 2 + 1) << 8 | UInt16(index + 1)
      return rotated >> 1 | rotated << 15
    }
    let expected = words.flatMap { [UInt8].littleEndian($0) }
    #expect(try decode(Chunk().stored) == expected)
    #expect(decodedByReference(Chunk().stored, words: 8) == expected)
  }

  @Test("a width of symbols other than 8 to 10, or a byte in use that should be zero, is refused")
  func header() {
    for width: UInt8 in [0, 1, 7, 11, 12, 16, 255] {
      expectRefused("symbols of \(width) bits") { $0.symbolBits = width }
    }
    for place in 0..<3 { expectRefused("should be zero") { $0.zeros[place] = 1 } }
  }

  @Test("a code that is not complete, or more than complete, is refused")
  func incomplete() {
    // Lengths 1, 2; 1, 1, 1; 1 alone; none.
    expectRefused("not complete") { $0.lengths = [0x00, 0x10, 0x02, 0xFC] }
    expectRefused("not complete") { $0.lengths = [0x11, 0x01, 0xFC] }
    expectRefused("not complete") { $0.lengths = [0x01, 0xFE] }
    expectRefused("not complete") { $0.lengths = [0xF0, 0x0F] }
    expectRefused("not complete") { $0.lengths = [UInt8](repeating: 0x11, count: 128) }
    expectRefused("not complete") { $0.lengths = [UInt8](repeating: 0xCC, count: 128) }
  }

  @Test("lengths of codes that break a rule are refused")
  func lengths() {
    expectRefused("14 bits") { $0.lengths[0] = 0x0E }
    expectRefused("past the last") { $0.lengths[3] = 0xFD }
    expectRefused("cut short") {
      $0.lengths = []
      $0.streams = [[], [], [], []]
    }
  }

  @Test("streams that do not fill their plane are refused")
  func streamLengths() throws {
    let sound = Chunk().stored
    for stream in 0..<4 {
      for length: UInt32 in [0, 2, 1 << 31, .max] {
        var stored = sound
        stored.put(length, at: 8 + 4 + 4 * stream)
        let problem = #expect(throws: ChunkProblem.self) { try decode(stored) }
        #expect(problem?.reason.contains("do not fill") == true)
      }
    }
    // A sum that is right only where it overflows.
    var stored = sound
    for (stream, length) in [UInt32.max, 2, 1, 2].enumerated() {
      stored.put(length, at: 8 + 4 + 4 * stream)
    }
    #expect(throws: ChunkProblem.self) { try decode(stored) }
  }

  @Test("a stream that ends too early, too late or with a bit set is refused", arguments: 0..<4)
  func streamEnds(stream: Int) {
    expectRefused("last code") { $0.streams[stream] = [] }
    expectRefused("last code") { $0.streams[stream] = [0b0100_0000, 0] }
    for bit in 0..<6 { expectRefused("last code") { $0.streams[stream][0] |= 1 << UInt8(bit) } }
    // Bytes moved from one stream to another: only their lengths tell.
    expectRefused("last code") {
      $0.streams[stream] += $0.streams[(stream + 1) % 4]
      $0.streams[(stream + 1) % 4] = []
    }
  }

  @Test("a stream without words must be empty")
  func emptyStream() throws {
    // Two words: one each for streams 0 and 1.
    func chunk(_ streams: [[UInt8]]) -> Chunk { Chunk(streams: streams, rests: [1, 2]) }
    #expect(try decode(chunk([[0], [0x80], [], []]).stored, byteCount: 4).count == 4)
    for streams: [[UInt8]] in [[[0], [0], [0], []], [[0], [0], [], [0]], [[0], [], [0], []]] {
      expectRefused("last code", byteCount: 4) { $0 = chunk(streams) }
    }
  }

  @Test("rests with a bit behind the last, or of another length, are refused")
  func rests() {
    expectRefused("another length") { $0.rests.removeLast() }
    expectRefused("another length") { $0.rests.append(0) }
    expectRefused("zstd") { $0.restsAreFramed = true }
    expectRefused("zstd frame") { $0.symbolsAreFramed = true }
    // Seven words with symbols of ten bits have 42 bits of rests.
    func chunk(_ rests: [UInt8]) -> Chunk {
      Chunk(
        symbolBits: 10,
        lengths: tenBitLengths,
        streams: [[0x40], [0x40], [0x40], [0x00]],
        rests: rests
      )
    }
    #expect(throws: Never.self) { try decode(chunk([0, 0, 0, 0, 0, 3]).stored, byteCount: 14) }
    for bit in 2..<8 {
      expectRefused("left over", byteCount: 14) { $0 = chunk([0, 0, 0, 0, 0, 1 << UInt8(bit)]) }
    }
  }

  /// 1, 1, and runs of 256, 256, 256 and 254.
  private let tenBitLengths: [UInt8] = {
    let numbers: [UInt8] = [1, 1, 0, 15, 15, 0, 15, 15, 0, 15, 15, 0, 13, 15]
    return stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] | numbers[$0 + 1] << 4 }
  }()

  @Test("bytes behind the planes, and sizes that are no words, are refused")
  func sizes() {
    expectRefused("behind the last plane") { $0.tail = [0] }
    expectRefused("half a word", byteCount: 15) { _ in }
    expectRefused("another length", byteCount: 14) { $0.streams[3] = [0] }
    for byteCount in [1, 2, 3, 5, 6, 7, 9] {
      let problem = #expect(throws: ChunkProblem.self) {
        try decode(Chunk().stored, byteCount: byteCount, codec: .words32)
      }
      #expect(problem != nil)
    }
  }

  @Test("every chunk cut short is refused, and every bit of what is not a value matters")
  func cutAndFlipped() throws {
    var random = SeededRandom(seed: 51)
    let plain = random.weights(700).flatMap { [UInt8].littleEndian(UInt16($0.bitPattern >> 16)) }
    let (codec, stored) = try plain.withUnsafeBytes { try PackEncoder().encode($0, type: .bf16) }
    #expect(codec == .words16)
    for count in stored.indices {
      #expect(throws: ChunkProblem.self) {
        try decode(Array(stored[..<count]), byteCount: plain.count)
      }
    }
    for bit in 0..<8 * stored.count {
      var changed = stored
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      // A changed code or rest may well be another value; never the same one.
      let back = try? decode(changed, byteCount: plain.count)
      #expect(back != plain, "bit \(bit)")
    }
  }

  @Test(
    "garbage is refused or decodes within its room",
    arguments: [PackChunk.Codec.words16, .words32]
  )
  func garbage(codec: PackChunk.Codec) throws {
    var random = SeededRandom(seed: 52)
    let decoder = PackDecoder()
    let encoder = try PackEncoder()
    let margin = 16
    var room = [UInt8](repeating: 0xA5, count: 2 * margin + 4096)
    var accepted = 0
    for _ in 0..<400 {
      let count = Int.random(in: 1...200, using: &random)
      let floats = random.weights(count)
      let plain =
        codec == .words16
        ? floats.flatMap { [UInt8].littleEndian(UInt16($0.bitPattern >> 16)) }
        : floats.flatMap { [UInt8].littleEndian($0.bitPattern) }
      let type = codec == .words16 ? ElementType.bf16 : .f32
      let (chosen, sound) = try plain.withUnsafeBytes { try encoder.encode($0, type: type) }
      for _ in 0..<300 {
        var stored = chosen == codec ? sound : random.bytes(sound.count)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          stored[Int.random(in: stored.indices, using: &random)] = UInt8(
            truncatingIfNeeded: random.next()
          )
        }
        let size =
          Bool.random(using: &random) ? plain.count : Int.random(in: 1...800, using: &random)
        let isRefused = room.withUnsafeMutableBytes { room in
          stored.withUnsafeBytes { stored in
            (try? decoder.decode(stored, codec: codec, into: room.part(margin, size))) == nil
          }
        }
        if !isRefused { accepted += 1 }
        #expect(room[margin + size..<2 * margin + size].allSatisfy { $0 == 0xA5 })
        for place in margin..<margin + size { room[place] = 0xA5 }
      }
    }
    #expect(room.allSatisfy { $0 == 0xA5 })
    // Changed rests are other values.
    #expect(accepted > 0)
  }
}
