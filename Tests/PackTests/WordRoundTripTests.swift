import CKernels
import Tensors
import TestSupport
import Testing
import Zstandard

@testable import Pack

@Suite("Coded words round trip")
struct WordRoundTripTests {
  /// Counts of words at which loops, shares of streams and blocks begin and end.
  static let sizes =
    Array(0...40) + [61, 127, 128, 251, 256, 509, 1021, 1023, 1024, 1025, 2039, 4093, 65_521]

  /// Words of many kinds, by name.
  static func content(_ kind: String, _ count: Int, using random: inout SeededRandom) -> [UInt16] {
    switch kind {
    case "weights": return random.weights(count).map { UInt16($0.bitPattern >> 16) }
    case "half weights": return random.weights(count).map { Float16($0).bitPattern }
    case "noise": return (0..<count).map { _ in UInt16(truncatingIfNeeded: random.next()) }
    case "constant": return [UInt16](repeating: 0xBC5A, count: count)
    case "two exponents":
      return (0..<count).map { _ in UInt16(truncatingIfNeeded: random.next()) & 0x80FF | 0x3C00 }
    case "one exception": return (0..<count).map { $0 == count / 2 ? 0x7FFF : 0x3C80 }
    case "every symbol": return (0..<count).map { UInt16(truncatingIfNeeded: $0 &* 0x9E35) }
    case "change of scale":
      return random.weights(count).enumerated().map { index, value in
        UInt16((index < count / 3 ? value : value * 1e-6).bitPattern >> 16)
      }
    default:
      // Exponents as rare as Fibonacci numbers, so that codes reach their longest.
      return (0..<count).map { _ in
        var exponent = 0
        while exponent < 60, Int.random(in: 0..<1000, using: &random) < 618 { exponent += 1 }
        return UInt16(exponent) << 7 | UInt16(truncatingIfNeeded: random.next()) & 0x807F
      }
    }
  }

  static let kinds = [
    "weights", "half weights", "noise", "constant", "two exponents", "one exception",
    "every symbol", "change of scale", "rare exponents",
  ]

  private func decoded(_ stored: [UInt8], _ codec: PackChunk.Codec, byteCount: Int) throws
    -> [UInt8]
  {
    let decoder = PackDecoder()
    // A byte either side, so that the target is unaligned and writes past it are seen.
    var room = [UInt8](repeating: 0xA5, count: byteCount + 2)
    try room.withUnsafeMutableBytes { all in
      try stored.withUnsafeBytes {
        try decoder.decode($0, codec: codec, into: all.part(1, byteCount))
      }
    }
    #expect(room[0] == 0xA5 && room[byteCount + 1] == 0xA5)
    return Array(room[1..<byteCount + 1])
  }

  private func bytes(_ words: [UInt16]) -> [UInt8] { words.flatMap { [UInt8].littleEndian($0) } }

  @Test("words of every kind and number come back", arguments: kinds)
  func everySize(kind: String) throws {
    var random = SeededRandom(seed: 41)
    let encoder = try PackEncoder()
    for count in WordRoundTripTests.sizes {
      let plain = bytes(WordRoundTripTests.content(kind, count, using: &random))
      for type in [ElementType.bf16, .f16, .f32] where plain.count % (type == .f32 ? 4 : 2) == 0 {
        let (codec, stored) = try plain.withUnsafeBytes { try encoder.encode($0, type: type) }
        #expect(stored.count <= plain.count)
        let back = try decoded(stored, codec, byteCount: plain.count)
        #expect(firstDifference(back, plain) == nil, "\(count) words as \(type.name)")
      }
    }
  }

  @Test("codes of every width come back, and are as the format page says", arguments: kinds)
  func reference(kind: String) throws {
    var random = SeededRandom(seed: 42)
    let encoder = WordEncoder(try PlaneCompressor(.exponents))
    for count in [37, 509, 4093] {
      let words = WordRoundTripTests.content(kind, count, using: &random)
      let plain = bytes(words)
      guard let chunk = try plain.withUnsafeBytes({ try encoder.encode16($0) }) else { continue }
      #expect(try decoded(chunk.stored, .words16, byteCount: plain.count) == plain)
      guard chunk.stored.integer(UInt32.self, at: 4) >> 31 == 0 else { continue }
      #expect(decodedByReference(chunk.stored, words: count) == plain)
    }
  }

  @Test("weights are coded, constants left to zstd, and noise as it is")
  func choice() throws {
    var random = SeededRandom(seed: 43)
    let encoder = try PackEncoder()
    for (kind, type, codec) in [
      ("weights", ElementType.bf16, PackChunk.Codec.words16), ("half weights", .f16, .words16),
      ("change of scale", .bf16, .words16), ("constant", .bf16, .planes16),
      ("noise", .bf16, .raw), ("noise", .f16, .raw), ("noise", .f32, .raw),
    ] {
      let plain = bytes(WordRoundTripTests.content(kind, 65_536, using: &random))
      let (chosen, stored) = try plain.withUnsafeBytes { try encoder.encode($0, type: type) }
      #expect(chosen == codec, "\(kind) as \(type.name)")
      if codec == .words16 { #expect(stored.count * 100 < plain.count * 97) }
    }
    let floats = random.weights(65_536).flatMap { [UInt8].littleEndian($0.bitPattern) }
    #expect(try floats.withUnsafeBytes { try encoder.encode($0, type: .f32) }.codec == .words32)
  }

  @Test("weights in BF16 take a third less")
  func ratio() throws {
    var random = SeededRandom(seed: 44)
    let encoder = try PackEncoder()
    // Sums of twelve uniform numbers are as near to Gaussian as matters.
    let plain = (0..<524_288).flatMap { _ -> [UInt8] in
      let value = (0..<12).reduce(Float(0)) { sum, _ in
        sum + Float.random(in: -0.01...0.01, using: &random)
      }
      return .littleEndian(UInt16(value.bitPattern >> 16))
    }
    let stored = try plain.withUnsafeBytes { try encoder.encode($0, type: .bf16) }.stored
    #expect(Double(plain.count) / Double(stored.count) > 1.51)
  }

  @Test("an encoder used before gives the same bytes as a new one")
  func history() throws {
    var random = SeededRandom(seed: 45)
    let used = try PackEncoder()
    for kind in WordRoundTripTests.kinds + WordRoundTripTests.kinds.reversed() {
      for count in [4093, 300, 65_521] {
        let plain = bytes(WordRoundTripTests.content(kind, count, using: &random))
        try plain.withUnsafeBytes { plain in
          let one = try used.encode(plain, type: .bf16)
          let other = try PackEncoder().encode(plain, type: .bf16)
          #expect(one.codec == other.codec && firstDifference(one.stored, other.stored) == nil)
        }
      }
    }
  }

  @Test("rests are packed and joined alike on every path", arguments: UInt32(6)...8)
  func paths(bits: UInt32) {
    var random = SeededRandom(seed: 46)
    for count in WordRoundTripTests.sizes {
      let plain = random.bytes(2 * count)
      let size = (count * Int(bits) + 7) / 8
      var (wide, portable) = ([UInt8](repeating: 0, count: size + 8), [UInt8]())
      portable = wide
      moepack_pack_rests(plain, count, bits, &wide)
      moepack_pack_rests_portable(plain, count, bits, &portable)
      #expect(wide[..<size] == portable[..<size])
      let rests = Array(wide[..<size])
      var (wideWords, portableWords) = (plain, plain)
      moepack_join_rests(&wideWords, count, bits, rests)
      moepack_join_rests_portable(&portableWords, count, bits, rests)
      #expect(wideWords == portableWords)
    }
  }
}
