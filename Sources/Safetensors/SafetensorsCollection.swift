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
  /// Each tensor's position in its file.
  private let placeInFile: [Int]

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
  public init(paths: [FilePath], index: SafetensorsIndex?) throws {
    files = try paths.enumerated().map { try SafetensorsReader($1, fileIndex: $0) }
    var shardOf: [UTF8Key: Int] = [:]
    var warnings: [String] = []
    if let index {
      shardOf.reserveCapacity(index.places.count)
      for (tensor, shard) in index.places { shardOf[UTF8Key(tensor)] = shard }
    }
    // With an index, a tensor counts where the index puts it; a copy elsewhere is left aside. One
    // that the index does not name at all is listed, and must be in one file only.
    var found: [UTF8Key: Int] = [:]
    var (extra, copies) = (0, 0)
    var placeInFile: [Int] = []
    var tensors: [TensorDescriptor] = []
    for (number, file) in files.enumerated() {
      for (place, tensor) in file.tensors.enumerated() {
        let key = UTF8Key(tensor.name)
        if let shard = shardOf[key], shard != number {
          copies += 1
          continue
        }
        if let other = found.updateValue(number, forKey: key) {
          throw SafetensorsError.tensorInTwoShards(
            first: files[other].path,
            second: file.path,
            tensor: tensor.name
          )
        }
        if index != nil, shardOf[key] == nil { extra += 1 }
        placeInFile.append(place)
        tensors.append(tensor)
      }
    }
    if let index {
      for (tensor, shard) in index.places where found[UTF8Key(tensor)] == nil {
        throw SafetensorsError.missingTensor(
          file: index.path,
          tensor: tensor,
          shard: index.shards[shard]
        )
      }
      if extra > 0 {
        warnings.append("\(index.path): \(extra) tensors of its shards are not in the index")
      }
      if copies > 0 {
        warnings.append(
          "\(index.path): \(copies) tensors are also in shards where the index does not put them;"
            + " those copies are left aside"
        )
      }
    }
    self.warnings = warnings
    self.placeInFile = placeInFile
    self.tensors = tensors
  }

  /// Copies bytes of a tensor.
  public func read(
    tensor index: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    try files[tensors[index].fileIndex].read(tensor: placeInFile[index], bytes: range, into: buffer)
  }
}
