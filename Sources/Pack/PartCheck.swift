internal import Parallelism
internal import Storage
internal import Tensors

/// What `verify` learns of a part from its decoded bytes, which come in pieces.
struct PartCheck {
  /// Whether no value seen so far is infinite or no number; true for what cannot be computed with.
  private(set) var isFinite = true

  private let part: PackIndex.Part
  private let blockBytes: Int
  private var checksum = Checksum()
  /// Bytes of a block that ends in a piece to come.
  private var open: [UInt8] = []

  init(_ part: PackIndex.Part) {
    self.part = part
    let type = part.type
    blockBytes =
      part.kind == .tensor && type.isComputable
      ? (try? type.byteCount(shape: [type.unitElements])) ?? 0 : 0
  }

  /// Whether the bytes have the hash of those that were written.
  var isAsWritten: Bool { checksum.value == part.hash }

  /// Adds the next pieces.
  mutating func add(_ pieces: [[UInt8]], threads: Int) {
    for piece in pieces { piece.withUnsafeBytes { checksum.update($0) } }
    guard blockBytes > 0, isFinite else { return }
    let ranges = pieces.map { wholeBlocks(of: $0) }
    let type = part.type
    let finite = parallelMap(count: pieces.count, threads: threads) { slot in
      pieces[slot].withUnsafeBytes {
        type.allFinite(UnsafeRawBufferPointer(rebasing: $0[ranges[slot]]))
      }
    }
    if finite.contains(false) { isFinite = false }
  }

  /// The blocks that lie in one piece; one that was open is checked as soon as it is whole.
  private mutating func wholeBlocks(of piece: [UInt8]) -> Range<Int> {
    var start = 0
    if !open.isEmpty {
      start = min(blockBytes - open.count, piece.count)
      open += piece[..<start]
      guard open.count == blockBytes else { return start..<start }
      if !open.withUnsafeBytes({ part.type.allFinite($0) }) { isFinite = false }
      open = []
    }
    let end = start + (piece.count - start) / blockBytes * blockBytes
    open += piece[end...]
    return start..<end
  }
}
