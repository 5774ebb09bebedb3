public import GGUF
public import SystemPackage
internal import Tensors

/// A GGUF model written anew: the same tensors in the same order, byte for byte, under other keys or
/// into other files.
///
/// What is written has the one layout that llama.cpp writes, so a source with gaps between tensors,
/// with tensors out of order or of version 2 comes out mended.
public struct GGUFCopy: Sendable {
  /// What is copied.
  public let source: GGUFCollection
  /// What is written.
  public let plan: GGUFShardPlan

  /// Plans a copy, checked as far as headers allow.
  ///
  /// - Parameters:
  ///   - source: The model.
  ///   - destination: The file; splits have its name, without `.gguf`, before their numbers.
  ///   - metadata: Keys of the copy; the source's if nil. `general.alignment` decides on the layout.
  ///   - limits: When to begin another split; without any, the copy is one file, whatever the source.
  /// - Throws: `GGUFError` for a tensor whose size is not known, and for what the format cannot say.
  public init(
    of source: GGUFCollection,
    to destination: FilePath,
    metadata: GGUFMetadata? = nil,
    limits: GGUFShardPlan.Limits = GGUFShardPlan.Limits()
  ) throws {
    try source.requireReadable()
    self.source = source
    plan = try GGUFShardPlan(
      destination: destination,
      metadata: metadata ?? source.metadata,
      tensors: source.tensors.map {
        TensorLayout(name: $0.name, type: $0.type, shape: $0.shape)
      },
      limits: limits
    )
  }

  /// Files that will be written, in order.
  public var files: [FilePath] { plan.shards.map(\.path) }

  /// Bytes of tensors that will be read.
  public var sourceByteCount: Int { source.tensors.reduce(0) { $0 + $1.byteCount } }

  /// Bytes of memory that a run will not exceed.
  ///
  /// - Parameter threads: Most threads to use.
  /// - Returns: The estimate; only the keys and the number of tensors matter, not their sizes.
  public func estimatedPeakMemory(threads: Int) -> Int {
    // Keys are there as they were read and as they will be written, and lists grow by doubling.
    let headers = source.files.reduce(0) { $0 + $1.header.dataStart }
    let planned = plan.shards.reduce(0) { $0 + $1.layout.header.count }
    return baselineMemory(tensors: source.tensors.count) + 2 * (headers + planned)
      + max(1, threads) * GGUFTensorCopy.pieceBytes
  }

  /// Writes the copy. Nothing is at a final name before all is written and synced; an error or an
  /// interruption leaves nothing behind.
  ///
  /// - Parameters:
  ///   - threads: Most threads to use; the bytes do not depend on it.
  ///   - progress: Called with the source bytes done since the last call.
  /// - Throws: `StorageError` if a file cannot be read or written.
  public func run(threads: Int, progress: (Int) -> Void) throws {
    let writer = try GGUFWriter(plan)
    let moves = source.tensors.indices.map { GGUFTensorCopy.Move(source: $0, target: $0) }
    try GGUFTensorCopy(moves, from: source)
      .run(to: writer, threads: threads, progress: progress)
    try writer.finish()
  }
}
