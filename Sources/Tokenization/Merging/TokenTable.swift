/// Tokens by their bytes, and bytes by token.
struct TokenTable: Sendable {
  private var slots: [Int32]
  private var starts: [Int32] = [0]
  private var bytes: [UInt8] = []
  private var ids: [Int32] = []

  /// A table of `tokens`, of which no two have the same text.
  init(_ tokens: [TokenizerDescription.Token]) {
    var capacity = 16
    while capacity < tokens.count * 2 { capacity *= 2 }
    slots = [Int32](repeating: -1, count: capacity)
    starts.reserveCapacity(tokens.count + 1)
    ids.reserveCapacity(tokens.count)
    for token in tokens {
      let start = bytes.count
      bytes.append(contentsOf: token.text.utf8)
      ids.append(token.id)
      starts.append(Int32(bytes.count))
      var slot = Int(truncatingIfNeeded: hashBytes(bytes.span, start..<bytes.count))
      slot &= slots.count - 1
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(ids.count - 1)
    }
  }

  /// The id of the token whose bytes are `text[range]`.
  func id(_ text: Span<UInt8>, _ range: Range<Int>) -> Int32? {
    var slot = Int(truncatingIfNeeded: hashBytes(text, range)) & (slots.count - 1)
    while slots[slot] >= 0 {
      let entry = Int(slots[slot])
      let start = Int(starts[entry])
      if Int(starts[entry + 1]) - start == range.count,
        equalBytes(text, range, bytes.span, at: start)
      {
        return ids[entry]
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The id of `token`.
  func id(_ token: String) -> Int32? {
    let text = Array(token.utf8)
    return id(text.span, 0..<text.count)
  }
}

/// A hash of `text[range]`, well mixed in its low bits.
@inline(__always)
func hashBytes(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for position in range { hash = (hash ^ UInt64(text[position])) &* 0x100_0000_01B3 }
  return hash ^ (hash >> 29)
}

/// Whether `text[range]` equals as many bytes of `other` from `start` on.
@inline(__always)
func equalBytes(
  _ text: Span<UInt8>,
  _ range: Range<Int>,
  _ other: Span<UInt8>,
  at start: Int
) -> Bool {
  let offset = start - range.lowerBound
  for position in range where text[position] != other[position + offset] { return false }
  return true
}
