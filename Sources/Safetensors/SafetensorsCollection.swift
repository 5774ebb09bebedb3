internal import JSON
internal import Storage
public import SystemPackage
public import Tensors

/// The safetensors files of one checkpoint, read as one.
public final class SafetensorsCollection: TensorSource {
  /// The files, by name.
  public let files: [SafetensorsReader]
  /// All tensors, file after file; `fileIndex` says which.
  public let tensors: [TensorDescriptor]
  /// Things that are odd but do no harm.
  public let warnings: [String]
  /// Position of each file's first tensor in `tensors`.
  private let firstTensor: [Int]

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
        file: index.path, shard: first.lastComponent?.string ?? "", missing: missing.count)
    }
    try self.init(paths: paths, index: index)
  }

  /// Opens several files that belong together, with their index if there is one.
  public init(paths: [FilePath], index: SafetensorsIndex?) throws {
    files = try paths.enumerated().map { try SafetensorsReader($1, fileIndex: $0) }
    var shardOf: [UTF8Key: Int] = [:]
    var warnings: [String] = []
    if let index {
      shardOf.reserveCapacity(index.places.count)
      for (tensor, shard) in index.places { shardOf[UTF8Key(tensor)] = shard }
    }
    // With an index, a tensor counts where the index puts it; a copy elsewhere is left aside.
    var found: [UTF8Key: Int] = [:]
    var extra = 0
    for (number, file) in files.enumerated() {
      for tensor in file.tensors {
        let key = UTF8Key(tensor.name)
        if index != nil {
          guard let shard = shardOf[key] else {
            extra += 1
            continue
          }
          if shard == number { found[key] = number }
        } else if let other = found.updateValue(number, forKey: key) {
          throw SafetensorsError.tensorInTwoShards(
            first: files[other].path, second: file.path, tensor: tensor.name)
        }
      }
    }
    if let index {
      for (tensor, shard) in index.places where found[UTF8Key(tensor)] == nil {
        throw SafetensorsError.missingTensor(
          file: index.path, tensor: tensor, shard: index.shards[shard])
      }
      if extra > 0 {
        warnings.append("\(index.path): \(extra) tensors of its shards are not in the index")
      }
    }
    self.warnings = warnings
    var firstTensor: [Int] = []
    var tensors: [TensorDescriptor] = []
    for file in files {
      firstTensor.append(tensors.count)
      tensors += file.tensors
    }
    self.firstTensor = firstTensor
    self.tensors = tensors
  }

  /// Copies bytes of a tensor.
  public func read(
    tensor index: Int, bytes range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let file = tensors[index].fileIndex
    try files[file].read(tensor: index - firstTensor[file], bytes: range, into: buffer)
  }
}
