internal import Storage
internal import Synchronization
public import SystemPackage
public import Tensors

/// Writes a GGUF model, in one file or in splits, whose tensors are known beforehand.
///
/// Every offset is fixed when the writer is made, so parts may come in any order and from several
/// threads: an expert goes straight to its place inside the stacked tensor of its layer. Nothing is
/// at a final name before ``finish()``, and ``finish()`` refuses while bytes are missing.
public final class GGUFWriter: Sendable {
  /// What is written.
  public let plan: GGUFShardPlan
  private let files: [ReplacementFile]
  /// File and range of each tensor of the plan.
  private let places: [(file: Int, range: Range<Int>)]
  private let written: Mutex<[WrittenRanges]>

  /// Starts the files of a plan.
  ///
  /// - Parameters:
  ///   - plan: Files, keys and tensors.
  ///   - isResumable: Whether an earlier run's work files are gone on with and the own ones kept.
  /// - Throws: `StorageError` if a work file cannot be made or written, or there are more of them
  ///   than the process may hold open.
  public init(_ plan: GGUFShardPlan, isResumable: Bool = false) throws {
    self.plan = plan
    if let first = plan.shards.first { try OpenFiles.allow(plan.shards.count, for: first.path) }
    var files: [ReplacementFile] = []
    var places = [(file: Int, range: Range<Int>)](
      repeating: (0, 0..<0),
      count: plan.tensors.count
    )
    for (number, shard) in plan.shards.enumerated() {
      let file = try ReplacementFile(
        replacing: shard.path,
        keeping: isResumable ? .all : .nothing
      )
      files.append(file)
      try file.write(shard.layout.header, at: 0)
      for (place, tensor) in shard.tensors.enumerated() {
        places[tensor] = (number, shard.layout.ranges[place])
        let padding = shard.layout.padding(behind: place)
        if !padding.isEmpty {
          try file.write([UInt8](repeating: 0, count: padding.count), at: padding.lowerBound)
        }
      }
    }
    self.files = files
    self.places = places
    written = Mutex(Array(repeating: WrittenRanges(), count: plan.tensors.count))
  }

  /// Starts one file.
  ///
  /// - Parameters:
  ///   - destination: Where it will be.
  ///   - metadata: Its keys.
  ///   - tensors: Its tensors, in the order they are to have.
  /// - Throws: ``GGUFError`` for what the format cannot say, before anything is written;
  ///   `StorageError` if the work file cannot be made.
  public convenience init(
    replacing destination: FilePath,
    metadata: GGUFMetadata,
    tensors: [TensorLayout]
  ) throws {
    try self.init(
      try GGUFShardPlan(destination: destination, metadata: metadata, tensors: tensors)
    )
  }

  /// Bytes of the tensor at `index` of the plan.
  public func byteCount(ofTensor index: Int) -> Int { places[index].range.count }

  /// Writes part of the tensor at `index` of the plan.
  ///
  /// - Parameters:
  ///   - bytes: The part.
  ///   - index: Which tensor.
  ///   - offset: Where in the tensor the part begins.
  /// - Throws: `StorageError` if writing fails.
  public func write(_ bytes: UnsafeRawBufferPointer, tensor index: Int, at offset: Int) throws {
    let place = places[index]
    precondition(offset >= 0 && offset + bytes.count <= place.range.count)
    try files[place.file].write(bytes, at: place.range.lowerBound + offset)
    written.withLock { $0[index].insert(offset..<offset + bytes.count) }
  }

  // MARK: - Going on after a kill

  /// The checksum of bytes of a tensor as they stand in the file, for the caller's journal.
  ///
  /// - Parameters:
  ///   - index: Which tensor of the plan.
  ///   - range: Bytes relative to its first.
  /// - Returns: Their XXH64.
  /// - Throws: `StorageError` if the file is shorter or cannot be read.
  public func checksum(ofTensor index: Int, bytes range: Range<Int>) throws -> UInt64 {
    let place = places[index]
    precondition(range.lowerBound >= 0 && range.upperBound <= place.range.count)
    var checksum = Checksum()
    var room = [UInt8](repeating: 0, count: min(1 << 20, range.count))
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 20) {
      let first = place.range.lowerBound + start
      let piece = first..<min(first + 1 << 20, place.range.lowerBound + range.upperBound)
      try room.withUnsafeMutableBytes { buffer in
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<piece.count])
        try files[place.file].read(piece, into: bytes)
        checksum.update(UnsafeRawBufferPointer(bytes))
      }
    }
    return checksum.value
  }

  /// Takes bytes for written which an earlier run wrote and whose checksum a journal has.
  ///
  /// - Parameters:
  ///   - index: Which tensor of the plan.
  ///   - range: Bytes relative to its first.
  ///   - expected: What ``checksum(ofTensor:bytes:)`` gave then.
  /// - Throws: `StorageError.lostWorkFile` if other bytes stand there, as after a kill between the
  ///   placing of two splits; another `StorageError` if they cannot be read.
  public func confirm(tensor index: Int, bytes range: Range<Int>, checksum expected: UInt64) throws
  {
    let path = files[places[index].file].workPath
    do {
      guard try checksum(ofTensor: index, bytes: range) == expected else {
        throw StorageError.lostWorkFile(path: path)
      }
    } catch StorageError.shrank { throw StorageError.lostWorkFile(path: path) }
    written.withLock { $0[index].insert(range) }
  }

  // MARK: - The end

  /// Syncs what was written so far.
  public func sync() throws { for file in files { try file.sync() } }

  /// Syncs the files and puts them in place, splits together.
  ///
  /// - Throws: ``GGUFError/unwritten(file:tensor:missing:)`` if bytes of a tensor are missing,
  ///   `StorageError` if a file cannot be synced or put in place. What was at the destination is then
  ///   there still.
  public func finish() throws {
    let missing: (tensor: Int, bytes: Int)? = written.withLock { written in
      for (index, ranges) in written.enumerated() where ranges.count < places[index].range.count {
        return (index, places[index].range.count - ranges.count)
      }
      return nil
    }
    if let missing {
      throw GGUFError.unwritten(
        file: plan.shards[places[missing.tensor].file].path,
        tensor: plan.tensors[missing.tensor].name,
        missing: missing.bytes
      )
    }
    for (file, shard) in zip(files, plan.shards) {
      // Longer only where an earlier run wrote something else.
      guard try file.byteCount() == shard.layout.byteCount else {
        throw StorageError.lostWorkFile(path: file.workPath)
      }
    }
    try ReplacementFile.finish(files)
  }
}
