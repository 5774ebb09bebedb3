/// Merges by the ids of their two tokens.
struct MergeTable: Sendable {
  /// The rank of a merge and the token it makes.
  struct Merge: Equatable, Sendable {
    /// Lower ranks go first.
    let rank: Int32
    /// The token made.
    let id: Int32
  }

  private var keys: [UInt64]
  private var values: [Merge]

  private static let free = UInt64.max

  /// The merges of `model`, whose tokens all stand in `tokens`.
  ///
  /// - Throws: ``TokenizationError/malformed(file:place:expected:got:)`` for a token that does not.
  init(
    _ model: TokenizerDescription.BytePair,
    _ tokens: TokenTable,
    file: String
  ) throws(TokenizationError) {
    var capacity = 16
    while capacity < model.merges.count * 2 { capacity *= 2 }
    keys = [UInt64](repeating: MergeTable.free, count: capacity)
    values = [Merge](repeating: Merge(rank: 0, id: 0), count: capacity)

    func id(_ token: String, rank: Int) throws(TokenizationError) -> Int32 {
      guard let id = tokens.id(token) else {
        throw .malformed(
          file: file,
          place: "model.merges[\(rank)]",
          expected: "tokens of the vocabulary",
          got: quoted(token)
        )
      }
      return id
    }
    for (rank, merge) in model.merges.enumerated() {
      let left = try id(merge.left, rank: rank)
      let right = try id(merge.right, rank: rank)
      let made = try id(merge.left + merge.right, rank: rank)
      insert(left, right, Merge(rank: Int32(rank), id: made))
    }
  }

  /// The merge of `left` and `right`, if there is one.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> Merge? {
    let key = MergeTable.key(left, right)
    var slot = MergeTable.slot(key, keys.count)
    while keys[slot] != MergeTable.free {
      if keys[slot] == key { return values[slot] }
      slot = (slot + 1) & (keys.count - 1)
    }
    return nil
  }

  /// Of two merges of one pair the later stays, as in `tokenizers`.
  private mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
    let key = MergeTable.key(left, right)
    var slot = MergeTable.slot(key, keys.count)
    while keys[slot] != MergeTable.free, keys[slot] != key {
      slot = (slot + 1) & (keys.count - 1)
    }
    keys[slot] = key
    values[slot] = merge
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  private static func slot(_ key: UInt64, _ count: Int) -> Int {
    let mixed = (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 24) & (count - 1)
  }
}
