public import GGUF
internal import Parallelism
internal import Synchronization
public import Tensors

/// Tensors that go from a source into GGUF files as they are, byte for byte.
///
/// They are cut into pieces of a few MiB, of which each thread moves one at a time: memory depends
/// neither on the model nor on its largest tensor. Pieces begin in the order of the list, so that
/// both disks are read and written from front to back.
public struct GGUFTensorCopy: Sendable {
  /// Where a tensor stands and where it goes.
  public struct Move: Sendable {
    /// Its place in the source's list.
    public let source: Int
    /// Its place in the list that was planned.
    public let target: Int

    /// A tensor that goes from one place to another.
    public init(source: Int, target: Int) {
      self.source = source
      self.target = target
    }
  }

  /// Bytes moved at a time, by each thread.
  public static let pieceBytes = 4 << 20

  private struct Piece {
    let move: Move
    let range: Range<Int>
  }

  private let source: any TensorSource
  private let pieces: [Piece]

  /// Will copy `moves` from `source`.
  public init(_ moves: [Move], from source: any TensorSource) {
    self.source = source
    let tensors = source.tensors
    pieces = moves.flatMap { move in
      let count = tensors[move.source].byteCount
      return stride(from: 0, to: count, by: GGUFTensorCopy.pieceBytes).map {
        Piece(move: move, range: $0..<min($0 + GGUFTensorCopy.pieceBytes, count))
      }
    }
  }

  /// Bytes that will be read and written.
  public var byteCount: Int { pieces.reduce(0) { $0 + $1.range.count } }

  /// Copies all.
  ///
  /// - Parameters:
  ///   - writer: Takes the tensors; each must have there the size it has in the source.
  ///   - threads: Most threads to use.
  ///   - progress: Called with the bytes copied since the last call.
  /// - Throws: The source's error if it cannot be read, `StorageError` if writing fails.
  public func run(to writer: GGUFWriter, threads: Int, progress: (Int) -> Void) throws {
    let largest = pieces.map(\.range.count).max() ?? 0
    // Room is handed on from piece to piece: to get it anew costs a tenth of the copying.
    let rooms = Mutex<[[UInt8]]>([])
    try parallelInOrder(count: pieces.count, threads: threads) { index in
      let piece = pieces[index]
      var room =
        rooms.withLock { $0.popLast() } ?? [UInt8](repeating: 0, count: largest)
      try room.withUnsafeMutableBytes { all in
        let bytes = UnsafeMutableRawBufferPointer(rebasing: all[..<piece.range.count])
        try source.read(tensor: piece.move.source, bytes: piece.range, into: bytes)
        try writer.write(
          UnsafeRawBufferPointer(bytes),
          tensor: piece.move.target,
          at: piece.range.lowerBound
        )
      }
      rooms.withLock { $0.append(room) }
      return piece.range.count
    } consume: {
      progress($0)
    }
  }
}
