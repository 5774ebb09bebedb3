internal import JSON
internal import Storage
public import SystemPackage
public import Tensors

/// The safetensors files of one checkpoint, read as one.
public final class SafetensorsCollection: TensorSource {
  /// One of the files; its tensors are in the collection's list only, which may be long.
  public struct File: Sendable {
    /// Where it is.
    public let path: FilePath
    /// Its size.
    public let byteCount: Int
    /// The pairs of its `__metadata__`.
    public let metadata: [(key: String, value: String)]
    fileprivate let content: MappedFile
  }

  /// The files, by name.
  public let files: [File]
  /// All tensors, file after file; `fileIndex` says which.
  public let tensors: [TensorDescriptor]
  /// Things that are odd but do no harm.
  public let warnings: [String]

  /// Opens one file.
  public convenience init(file: FilePath) throws {
    try self.init(paths: [file], index: nil)
  }

  /// Opens the files that `index` names, which lie beside it.
  public convenience init(index: SafetensorsIndex) throws {
    let folder = FileSystem.folder(of: index.path)
    let paths = index.shards.map { folder.appending($0) }
    let missing = paths.filter { FileSystem.kind($0) == nil }
    if let first = missing.first {
      throw SafetensorsError.missingShard(
        file: index.path,
        shard: first.lastComponent?.string ?? "",
        missing: missing.count
      )
    }
    try self.init(paths: paths, index: index)
  }

  /// Opens several files that belong together, with their index if there is one.
  ///
  /// With an index, a tensor counts where the index puts it, and a copy elsewhere is left aside;
  /// one that the index does not name, or any without an index, may be in one file only.
  public init(paths: [FilePath], index: SafetensorsIndex?) throws {
    var files: [File] = []
    var tensors: [TensorDescriptor] = []
    var check = PlacementCheck(index)
    for (number, path) in paths.enumerated() {
      let content = try MappedFile(path)
      let header = try SafetensorsHeader(reading: content, fileIndex: number)
      for var tensor in header.tensors {
        guard let name = try check.add(tensor.name, file: number, paths) else { continue }
        tensor.name = name
        tensors.append(tensor)
      }
      files.append(
        File(
          path: path,
          byteCount: content.byteCount,
          metadata: header.metadata,
          content: content
        )
      )
    }
    warnings = try check.finish()
    self.files = files
    self.tensors = tensors
  }

  /// Copies bytes of a tensor.
  public func read(
    tensor index: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let tensor = tensors[index]
    precondition(range.upperBound <= tensor.byteCount)
    let start = tensor.fileRange.lowerBound
    try files[tensor.fileIndex].content.read(
      start + range.lowerBound..<start + range.upperBound,
      into: buffer
    )
  }
}

/// Compares where tensors are with where the index says they are, name by name, so that a header
/// need not be kept for it.
private struct PlacementCheck {
  private let index: SafetensorsIndex?
  /// The place in the index of each name in it.
  private var known: [UTF8Key: Int] = [:]
  /// The file that had a name first which is not in the index.
  private var others: [UTF8Key: Int] = [:]
  private var isFound: [Bool]
  private var copies = 0

  init(_ index: SafetensorsIndex?) {
    self.index = index
    isFound = Array(repeating: false, count: index?.places.count ?? 0)
    guard let index else { return }
    known.reserveCapacity(index.places.count)
    for (place, entry) in index.places.enumerated() { known[UTF8Key(entry.tensor)] = place }
  }

  /// Notes that `file` has a tensor of this name.
  ///
  /// - Returns: The name, as the index holds it where it does: a hundred thousand names need not be
  ///   in memory twice. Nil if the tensor is a copy of one that the index puts elsewhere.
  mutating func add(_ name: String, file: Int, _ paths: [FilePath]) throws(SafetensorsError)
    -> String?
  {
    guard let index, let place = known[UTF8Key(name)] else {
      if let other = others.updateValue(file, forKey: UTF8Key(name)) {
        throw .tensorInTwoShards(first: paths[other], second: paths[file], tensor: name)
      }
      return name
    }
    guard index.places[place].shard == file else {
      copies += 1
      return nil
    }
    isFound[place] = true
    return index.places[place].tensor
  }

  func finish() throws(SafetensorsError) -> [String] {
    guard let index else { return [] }
    if let missing = isFound.firstIndex(of: false) {
      let entry = index.places[missing]
      throw .missingTensor(
        file: index.path,
        tensor: entry.tensor,
        shard: index.shards[entry.shard]
      )
    }
    var warnings: [String] = []
    if !others.isEmpty {
      warnings.append("\(index.path): \(others.count) tensors of its shards are not in the index")
    }
    if copies > 0 {
      warnings.append(
        "\(index.path): \(copies) tensors are also in shards where the index does not put them;"
          + " those copies are left aside"
      )
    }
    return warnings
  }
}
