import Glibc
import TestSupport
import Testing

@testable import Pack

@Suite("Codes of words")
struct WordCodeTests {
  private func counts(_ pairs: [Int: UInt32]) -> [UInt32] {
    var counts = [UInt32](repeating: 0, count: 1024)
    for (symbol, count) in pairs { counts[symbol] = count }
    return counts
  }

  /// The sum of 2^(12 - length), 4096 for a complete code.
  private func filled(_ code: WordCode) -> Int {
    code.lengths.reduce(0) { $0 + ($1 > 0 ? 1 << (12 - Int($1)) : 0) }
  }

  @Test("none or one symbol has no code", arguments: 8...10)
  func degenerate(symbolBits: Int) {
    #expect(WordCode(counts: counts([:]), symbolBits: symbolBits) == nil)
    for symbol in [0, 1, 500, 1023] {
      #expect(WordCode(counts: counts([symbol: 9]), symbolBits: symbolBits) == nil)
    }
  }

  @Test("two symbols have a bit each, however rare one is")
  func two() throws {
    let counts = counts([3: 1, 1023: .max / 2])
    let code = try #require(WordCode(counts: counts, symbolBits: 10))
    #expect(code.lengths[3] == 1 && code.lengths[1023] == 1)
    #expect(code.lengths.reduce(0) { $0 + Int($1) } == 2)
    #expect(code.codes[3] == 1 && code.codes[1023] == 1 << 63 | 1)
  }

  @Test("equal symbols have equal codes, all of them in order", arguments: 8...10)
  func equal(symbolBits: Int) throws {
    let counts = [UInt32](repeating: 7, count: 1024)
    let code = try #require(WordCode(counts: counts, symbolBits: symbolBits))
    #expect(code.lengths == [UInt8](repeating: UInt8(symbolBits), count: 1 << symbolBits))
    #expect(
      code.codes
        == (0..<UInt64(1 << symbolBits)).map { $0 << (64 - symbolBits) | UInt64(symbolBits) }
    )
  }

  @Test("counts that grow like Fibonacci's reach the longest code and no further")
  func longest() throws {
    var counts = counts([:])
    var (a, b) = (UInt32(1), UInt32(1))
    for symbol in 0..<40 {
      counts[symbol * 25] = a
      (a, b) = (b, a + b)
    }
    let code = try #require(WordCode(counts: counts, symbolBits: 10))
    #expect(code.lengths.max() == 12 && filled(code) == 4096)
    #expect(code.lengths.count { $0 == 12 } > 10)
  }

  @Test("a code is complete and no longer than the entropy and a bit, for any counts")
  func complete() throws {
    var random = SeededRandom(seed: 31)
    for round in 0..<600 {
      let used = Int.random(in: 2...1024, using: &random)
      var counts = counts([:])
      for _ in 0..<used {
        let size = UInt32.random(in: 0...(round % 3 == 0 ? 3 : 22), using: &random)
        counts[Int.random(in: 0..<1024, using: &random)] = UInt32.random(
          in: 1...(1 << size),
          using: &random
        )
      }
      for symbolBits in WordCode.symbolBits {
        guard let code = WordCode(counts: counts, symbolBits: symbolBits) else { continue }
        #expect(filled(code) == 4096)
        let folded = stride(from: 0, to: 1024, by: 1024 >> symbolBits).map { first in
          counts[first..<first + (1024 >> symbolBits)].reduce(0) { $0 + Int($1) }
        }
        #expect(zip(folded, code.lengths).allSatisfy { ($0 > 0) == ($1 > 0) })
        let total = folded.reduce(0, +)
        let bits = zip(folded, code.lengths).reduce(0) { $0 + $1.0 * Int($1.1) }
        #expect(code.bitCount(counts) == bits + total * (16 - symbolBits))
        let entropy = folded.reduce(0.0) { sum, count in
          count == 0 ? sum : sum - Double(count) * log2(Double(count) / Double(total))
        }
        #expect(Double(bits) <= entropy + Double(total))
      }
    }
  }

  // MARK: - Stored lengths

  private func read(_ bytes: [UInt8], symbolBits: Int) throws -> (code: WordCode, byteCount: Int) {
    var byteCount = 0
    let code = try bytes.withUnsafeBytes {
      try WordCode(reading: $0, symbolBits: symbolBits, byteCount: &byteCount)
    }
    return (code, byteCount)
  }

  @Test("stored lengths come back, and are found with bytes behind them")
  func storedLengths() throws {
    var random = SeededRandom(seed: 32)
    for round in 0..<400 {
      let used = Int.random(in: 2...(round % 2 == 0 ? 20 : 1024), using: &random)
      var counts = counts([:])
      for _ in 0..<used { counts[Int.random(in: 0..<1024, using: &random)] = 1 }
      for symbolBits in WordCode.symbolBits {
        guard let code = WordCode(counts: counts, symbolBits: symbolBits) else { continue }
        let stored = code.storedLengths
        let (read, byteCount) = try read(stored + [0xFF, 0], symbolBits: symbolBits)
        #expect(read.lengths == code.lengths && byteCount == stored.count)
        for count in [0, 1, stored.count - 1] {
          #expect(throws: ChunkProblem.self) {
            try self.read(Array(stored[..<count]), symbolBits: symbolBits)
          }
        }
      }
    }
  }

  @Test("stored lengths by hand")
  func storedByHand() throws {
    let code = try #require(WordCode(counts: counts([4: 1, 8: 1, 9: 2]), symbolBits: 8))
    // Symbols 1 and 2: four ten-bit symbols make one of eight bits.
    #expect(code.lengths[1] == 1 && code.lengths[2] == 1)
    // 0, a run of 1: 0 0 0; 1; 1; a run of 253: 0, 252 = 12 + 16 * 15.
    #expect(code.storedLengths == [0x00, 0x10, 0x01, 0xFC])
  }

  @Test("stored lengths that break a rule are refused")
  func storedRefusals() throws {
    func expectRefused(_ words: String, _ bytes: [UInt8]) {
      let problem = #expect(throws: ChunkProblem.self) { try read(bytes, symbolBits: 8) }
      #expect(problem?.reason.contains(words) == true)
    }
    expectRefused("13 bits", [0x0D])
    expectRefused("15 bits", [0xF1])
    // 1, 1, then runs of 256 and more than are left.
    expectRefused("past the last", [0x11, 0xF0, 0x0F])
    expectRefused("past the last", [0x11, 0xE0, 0x0F])
    #expect(try read([0x11, 0xD0, 0x0F], symbolBits: 8).byteCount == 3)
    // 1, a run of 1, 1, a run of 253: no half byte is left.
    #expect(try read([0x01, 0x00, 0x01, 0xFC], symbolBits: 8).byteCount == 4)
    expectRefused("left over", [0x11, 0xD0, 0x1F])
  }
}
