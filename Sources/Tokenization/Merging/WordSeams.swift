/// The pairs of characters between which a merge can join two tokens.
///
/// Where none can, a word may be cut without changing its tokens: what is left and right of the cut
/// is merged independently anyway.
struct WordSeams: Sendable {
  private var ascii = [Bool](repeating: false, count: 128 * 128)
  private var others: Set<UInt64> = []
  private var isUsable = true

  /// The seams of `model`.
  init(_ model: TokenizerDescription.BytePair) {
    for merge in model.merges {
      // Byte tokens stand for characters other than those they are spelt with.
      if model.byteFallback,
        ByteTokens.byte(of: Array(merge.left.utf8)) != nil
          || ByteTokens.byte(of: Array(merge.right.utf8)) != nil
      {
        isUsable = false
      }
      guard let left = merge.left.unicodeScalars.last?.value,
        let right = merge.right.unicodeScalars.first?.value
      else { continue }
      if left < 128, right < 128 {
        ascii[Int(left) * 128 + Int(right)] = true
      } else {
        others.insert(UInt64(left) << 32 | UInt64(right))
      }
    }
  }

  /// Whether no merge joins tokens between `left` and `right`.
  func separates(_ left: UInt32, _ right: UInt32) -> Bool {
    if !isUsable { return false }
    if left < 128, right < 128 { return !ascii[Int(left) * 128 + Int(right)] }
    return !others.contains(UInt64(left) << 32 | UInt64(right))
  }
}
