internal import GGUF
internal import JSON
internal import Storage
public import SystemPackage
internal import Tensors

/// Writes the GGUF form as `llama-imatrix` does, entry by entry, in any order.
///
/// Keys: `general.type`, `imatrix.datasets`, `imatrix.chunk_count`, `imatrix.chunk_size`. Entries by
/// name, of each first `NAME.in_sum2`, then `NAME.counts`, both F32. Axes of one element at the end of
/// a shape are left out, as ggml does: one matrix has {in} and {1}, E experts {in, E} and {1, E}.
/// (llama.cpp, `tools/imatrix/imatrix.cpp`, `save_imatrix`.)
public final class ImportanceMatrixWriter: Sendable {
  /// An entry to be written.
  public struct Shape: Sendable, Equatable {
    /// The tensor's name in a GGUF model.
    public let name: String
    /// Input channels.
    public let columns: Int
    /// Matrices that the tensor stacks, E; 1 for a tensor that is one.
    public let experts: Int

    /// An entry for `experts` matrices of `columns` input channels, both at least one.
    public init(name: String, columns: Int, experts: Int = 1) {
      precondition(columns > 0 && experts > 0)
      self.name = name
      self.columns = columns
      self.experts = experts
    }
  }

  private let writer: GGUFWriter
  private let places: [UTF8Key: Int]
  private let shapes: [Shape]

  /// Bytes of the file with these entries, its texts' names aside.
  ///
  /// - Parameter shapes: The entries.
  /// - Returns: An upper bound.
  public static func byteCount(_ shapes: [Shape]) -> Int {
    shapes.reduce(4096) { $0 + 4 * $1.experts * ($1.columns + 1) + 64 + 256 }
  }

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - destination: Where it will be.
  ///   - datasets: Names of the texts.
  ///   - chunkCount: Windows of text.
  ///   - chunkSize: Tokens per window.
  ///   - shapes: All entries; names are unique.
  ///   - isResumable: Whether an earlier run's work file is gone on with and the own one kept.
  /// - Throws: `GGUFError` for what the format cannot say, as a name too long; `StorageError` if the
  ///   work file cannot be made.
  public init(
    replacing destination: FilePath,
    datasets: [String],
    chunkCount: Int,
    chunkSize: Int,
    shapes: [Shape],
    isResumable: Bool = false
  ) throws {
    var metadata = GGUFMetadata()
    metadata[ImportanceMatrixKey.type] = .string(ImportanceMatrixKey.typeValue)
    metadata[ImportanceMatrixKey.datasets] = .array(GGUFArray(datasets))
    metadata[ImportanceMatrixKey.chunkCount] = .uint32(UInt32(clamping: chunkCount))
    metadata[ImportanceMatrixKey.chunkSize] = .uint32(UInt32(clamping: chunkSize))
    let sorted = shapes.sorted { ImportanceMatrix.precedes($0.name, $1.name) }
    var tensors: [TensorLayout] = []
    for shape in sorted {
      func layout(_ suffix: String, _ columns: Int) -> TensorLayout {
        TensorLayout(
          name: shape.name + suffix,
          type: .f32,
          shape: shape.experts == 1 ? [columns] : [shape.experts, columns]
        )
      }
      tensors.append(layout(ImportanceMatrixKey.sums, shape.columns))
      tensors.append(layout(ImportanceMatrixKey.counts, 1))
    }
    self.shapes = sorted
    places = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { (UTF8Key($1.name), $0) })
    writer = try GGUFWriter(
      try GGUFShardPlan(destination: destination, metadata: metadata, tensors: tensors),
      isResumable: isResumable
    )
  }

  /// Writes the entry called `name`, which is one of those announced.
  ///
  /// - Parameters:
  ///   - name: The tensor's name.
  ///   - sums: Sums of squares, [E, in].
  ///   - counts: Tokens in each, [E].
  /// - Throws: `StorageError` if writing fails.
  public func write(_ name: String, sums: [Float], counts: [Float]) throws {
    let place = place(name)
    precondition(sums.count == shapes[place].experts * shapes[place].columns)
    precondition(counts.count == shapes[place].experts)
    try sums.withUnsafeBytes { try writer.write($0, tensor: 2 * place, at: 0) }
    try counts.withUnsafeBytes { try writer.write($0, tensor: 2 * place + 1, at: 0) }
  }

  private func place(_ name: String) -> Int {
    guard let place = places[UTF8Key(name)] else {
      preconditionFailure("\(name) was not announced")
    }
    return place
  }

  // MARK: - Going on after a kill

  /// Syncs what was written so far.
  public func sync() throws { try writer.sync() }

  /// Checksums (XXH64) of an entry's two tensors as they stand in the file, for the caller's journal.
  public func checksums(of name: String) throws -> [UInt64] {
    try [2 * place(name), 2 * place(name) + 1].map {
      try writer.checksum(ofTensor: $0, bytes: 0..<writer.byteCount(ofTensor: $0))
    }
  }

  /// Takes an entry for written which an earlier run wrote.
  ///
  /// - Parameters:
  ///   - name: The tensor's name.
  ///   - checksums: What ``checksums(of:)`` gave then.
  /// - Throws: `StorageError.lostWorkFile` if other bytes stand there.
  public func confirm(_ name: String, checksums: [UInt64]) throws {
    for (index, checksum) in zip([2 * place(name), 2 * place(name) + 1], checksums) {
      try writer.confirm(
        tensor: index,
        bytes: 0..<writer.byteCount(ofTensor: index),
        checksum: checksum
      )
    }
  }

  /// Syncs the file and puts it in place.
  ///
  /// - Throws: `GGUFError.unwritten` if an entry is missing, `StorageError` if that fails.
  public func finish() throws { try writer.finish() }
}

extension ImportanceMatrix {
  /// Writes the GGUF form.
  ///
  /// - Parameter path: Where; what stands there is replaced when the new file is whole.
  /// - Throws: `GGUFError` for what the format cannot say, `StorageError` if writing fails.
  public func write(to path: FilePath) throws {
    let writer = try ImportanceMatrixWriter(
      replacing: path,
      datasets: datasets,
      chunkCount: chunkCount,
      chunkSize: chunkSize,
      shapes: entries.map {
        ImportanceMatrixWriter.Shape(
          name: $0.name,
          columns: $0.sumsPerCount,
          experts: $0.counts.count
        )
      }
    )
    for entry in entries { try writer.write(entry.name, sums: entry.sums, counts: entry.counts) }
    try writer.finish()
  }
}
