internal import CKernels

/// The Huffman code of a chunk of words; Formats/moepack.md, "Coded words".
struct WordCode {
  /// Highest bits of a rotated word that are coded, s.
  let symbolBits: Int
  /// Bits of each symbol's code, 0 for one that does not occur.
  let lengths: [UInt8]

  /// Widths a symbol may have.
  static let symbolBits = 8...10
  private static let longest = 12

  /// Bits that are not coded.
  var restBits: Int { 16 - symbolBits }

  /// The shortest code for these counts, or nil if fewer than two symbols occur.
  ///
  /// - Parameters:
  ///   - counts: How often each symbol of 10 bits occurs.
  ///   - symbolBits: s.
  init?(counts: [UInt32], symbolBits: Int) {
    self.symbolBits = symbolBits
    let folded = WordCode.fold(counts, to: symbolBits)
    var lengths = [UInt8](repeating: 0, count: folded.count)
    moepack_choose_code_lengths(folded, folded.count, &lengths)
    guard lengths.contains(where: { $0 > 0 }) else { return nil }
    self.lengths = lengths
  }

  /// Counts of symbols of fewer bits.
  private static func fold(_ counts: [UInt32], to symbolBits: Int) -> [UInt32] {
    let shift = WordCode.symbolBits.upperBound - symbolBits
    var folded = [UInt32](repeating: 0, count: 1 << symbolBits)
    for symbol in counts.indices { folded[symbol >> shift] &+= counts[symbol] }
    return folded
  }

  /// Bits of all codes and rests of words with these counts of 10-bit symbols.
  func bitCount(_ counts: [UInt32]) -> Int {
    let shift = WordCode.symbolBits.upperBound - symbolBits
    var bits = 0
    for symbol in counts.indices {
      bits &+= Int(counts[symbol]) &* (Int(lengths[symbol >> shift]) &+ restBits)
    }
    return bits
  }

  /// The code of each symbol as the kernels take it.
  var codes: [UInt64] {
    var codes = [UInt64](repeating: 0, count: lengths.count)
    let isComplete = moepack_assign_codes(lengths, lengths.count, &codes)
    precondition(isComplete != 0)
    return codes
  }

  // MARK: - Stored lengths

  /// Lengths of codes as they are stored.
  var storedLengths: [UInt8] {
    var numbers: [UInt8] = []
    var symbol = 0
    while symbol < lengths.count {
      numbers.append(lengths[symbol])
      let next = lengths[symbol...].firstIndex { $0 > 0 } ?? lengths.count
      if next > symbol {
        let run = min(next - symbol, 256)
        numbers += [UInt8(run - 1) & 15, UInt8(run - 1) >> 4]
        symbol += run
      } else {
        symbol += 1
      }
    }
    if numbers.count % 2 != 0 { numbers.append(0) }
    return stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] | numbers[$0 + 1] << 4 }
  }

  /// Reads stored lengths from the start of `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: Lengths and what follows them.
  ///   - symbolBits: s.
  ///   - byteCount: Set to the bytes that the lengths take.
  /// - Throws: ``ChunkProblem`` if they end too early or break a rule. Whether they make a complete
  ///   code is seen when the table is built.
  init(reading bytes: UnsafeRawBufferPointer, symbolBits: Int, byteCount: inout Int)
    throws(ChunkProblem)
  {
    var position = 0
    func number() throws(ChunkProblem) -> Int {
      guard position / 2 < bytes.count else { throw ChunkProblem("code lengths cut short") }
      defer { position += 1 }
      return Int(bytes[position / 2] >> UInt8(position % 2 * 4)) & 15
    }
    var lengths: [UInt8] = []
    lengths.reserveCapacity(1 << symbolBits)
    while lengths.count < 1 << symbolBits {
      let length = try number()
      guard length <= WordCode.longest else { throw ChunkProblem("a code of \(length) bits") }
      if length > 0 {
        lengths.append(UInt8(length))
      } else {
        let run = try number() + 16 * number() + 1
        guard run <= 1 << symbolBits - lengths.count else {
          throw ChunkProblem("code lengths past the last symbol")
        }
        lengths += repeatElement(0, count: run)
      }
    }
    if position % 2 != 0 {
      guard try number() == 0 else { throw ChunkProblem("code lengths with a bit left over") }
    }
    byteCount = position / 2
    self.symbolBits = symbolBits
    self.lengths = lengths
  }
}
