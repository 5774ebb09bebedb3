/// The ids of words met before; forgets everything when full.
struct WordCache: Sendable {
  private struct Entry: Sendable {
    let hash: UInt64
    let keyStart: Int32
    let keyEnd: Int32
    let idStart: Int32
    let idEnd: Int32
  }

  /// Words longer than this many bytes are not kept.
  static let longestWord = 48

  private static let entryLimit = 1 << 15
  private static let slotCount = 1 << 16

  private var slots: [Int32] = []
  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  private var ids: [Int32] = []

  /// Appends the ids of `text[range]` to `out` if they are known.
  @inline(__always)
  func append(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    hash: UInt64,
    to out: inout [Int32]
  ) -> Bool {
    if slots.isEmpty { return false }
    var slot = Int(truncatingIfNeeded: hash) & (WordCache.slotCount - 1)
    while slots[slot] >= 0 {
      let entry = entries[Int(slots[slot])]
      if entry.hash == hash, Int(entry.keyEnd - entry.keyStart) == range.count,
        equalBytes(text, range, keys.span, at: Int(entry.keyStart))
      {
        for index in Int(entry.idStart)..<Int(entry.idEnd) { out.append(ids[index]) }
        return true
      }
      slot = (slot + 1) & (WordCache.slotCount - 1)
    }
    return false
  }

  /// Keeps `word` as the ids of `text[range]`.
  mutating func insert(
    _ text: Span<UInt8>,
    _ range: Range<Int>,
    hash: UInt64,
    _ word: ArraySlice<Int32>
  ) {
    if slots.isEmpty || entries.count == WordCache.entryLimit {
      slots = [Int32](repeating: -1, count: WordCache.slotCount)
      entries.removeAll(keepingCapacity: true)
      keys.removeAll(keepingCapacity: true)
      ids.removeAll(keepingCapacity: true)
    }
    let (keyStart, idStart) = (Int32(keys.count), Int32(ids.count))
    for position in range { keys.append(text[position]) }
    ids += word
    var slot = Int(truncatingIfNeeded: hash) & (WordCache.slotCount - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (WordCache.slotCount - 1) }
    slots[slot] = Int32(entries.count)
    entries.append(
      Entry(
        hash: hash,
        keyStart: keyStart,
        keyEnd: Int32(keys.count),
        idStart: idStart,
        idEnd: Int32(ids.count)
      )
    )
  }
}
