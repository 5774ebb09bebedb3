internal import JSON
internal import Storage
public import SystemPackage
public import Tensors

/// A model in one GGUF file or in several splits, read as one.
public final class GGUFCollection: TensorSource {
  /// The files, in the order of the splits; each holds its own header.
  public let files: [GGUFReader]
  /// All tensors, file after file; `fileIndex` says which.
  public let tensors: [TensorDescriptor]
  /// Things that are odd but do no harm.
  public let warnings: [String]

  /// Keys and values of the model: those of the first file, without those that say how it is split.
  public let metadata: GGUFMetadata

  private let places: [(file: Int, tensor: Int)]

  /// Opens a model by its file or by any of its splits, which lie side by side.
  ///
  /// - Parameter path: The file, or one of the splits.
  /// - Throws: ``GGUFError`` if a file breaks a rule of the format, a split is missing, or the splits
  ///   do not belong together; `StorageError` if a file cannot be opened, or there are more of them
  ///   than the process may hold open.
  public convenience init(_ path: FilePath) throws {
    let first = try GGUFReader(path)
    guard let split = try GGUFSplit(of: first), split.count > 1 else {
      try self.init(single: first)
      return
    }
    let name = try split.name(of: path)
    let paths = (0..<split.count).map { $0 == split.number ? path : name.path(of: $0) }
    let missing = paths.filter { FileSystem.kind($0) == nil }
    if let first = missing.first {
      throw GGUFError.missingSplit(
        file: path,
        split: first.lastComponent?.string ?? "",
        missing: missing.count
      )
    }
    try OpenFiles.allow(paths.count - 1, for: path)
    try self.init(splits: paths.map { $0 == path ? first : try GGUFReader($0) })
  }

  /// Opens the splits of a model, given in any order.
  ///
  /// - Parameter paths: All of them, each once; or one file that is not split.
  /// - Throws: As the other initialiser; ``GGUFError/splitTwice(first:second:number:)`` if one is
  ///   given twice.
  public convenience init(paths: [FilePath]) throws {
    precondition(!paths.isEmpty)
    try OpenFiles.allow(paths.count, for: paths[0])
    let readers = try paths.map { try GGUFReader($0) }
    let splits = try readers.map { try GGUFSplit(of: $0) }
    if paths.count == 1, splits[0].map({ $0.count <= 1 }) ?? true {
      try self.init(single: readers[0])
      return
    }
    var ordered: [Int: GGUFReader] = [:]
    for (reader, split) in zip(readers, splits) {
      guard let split else {
        throw GGUFError.missingKey(file: reader.path, key: GGUFKey.splitCount)
      }
      if let other = ordered.updateValue(reader, forKey: split.number) {
        throw GGUFError.splitTwice(
          first: other.path,
          second: reader.path,
          number: split.number
        )
      }
    }
    let count = splits[0]?.count ?? 0
    let missing = (0..<count).filter { ordered[$0] == nil }
    if let first = missing.first {
      throw GGUFError.missingSplit(
        file: paths[0],
        split: "\(first + 1) of \(count)",
        missing: missing.count
      )
    }
    try self.init(splits: ordered.sorted { $0.key < $1.key }.map(\.value))
  }

  private convenience init(single file: GGUFReader) throws {
    var warnings: [String] = []
    if let name = GGUFSplitName(file.path), name.count > 1, try GGUFSplit(of: file) == nil {
      warnings.append(
        "\(file.path): it is named as split \(name.number + 1) of \(name.count) but has no"
          + " '\(GGUFKey.splitCount)', so it is taken for the whole"
      )
    }
    try self.init(files: [file], warnings: warnings)
  }

  /// Joins splits, in order.
  private convenience init(splits files: [GGUFReader]) throws {
    try self.init(files: files, warnings: try GGUFSplit.checkSet(files))
  }

  private init(files: [GGUFReader], warnings: [String]) throws {
    var tensors: [TensorDescriptor] = []
    var places: [(file: Int, tensor: Int)] = []
    var owners: [UTF8Key: Int] = [:]
    for (number, file) in files.enumerated() {
      for (place, var tensor) in file.tensors.enumerated() {
        if files.count > 1, let other = owners.updateValue(number, forKey: UTF8Key(tensor.name)) {
          throw GGUFError.tensorInTwoSplits(
            first: files[other].path,
            second: file.path,
            tensor: tensor.name
          )
        }
        tensor.fileIndex = number
        tensors.append(tensor)
        places.append((number, place))
      }
    }
    self.files = files
    self.tensors = tensors
    self.places = places
    self.warnings = warnings + files.flatMap(\.header.warnings)
    var metadata = files[0].metadata
    for key in GGUFKey.split { metadata[key] = nil }
    self.metadata = metadata
  }

  /// Refuses a model of which not every byte can be read.
  ///
  /// - Throws: ``GGUFError/unknownElementType(file:tensor:type:)`` for the first tensor whose type has
  ///   no known size.
  public func requireReadable() throws(GGUFError) {
    for file in files {
      guard let index = file.header.unreadable.min() else { continue }
      throw .unknownElementType(
        file: file.path,
        tensor: file.tensors[index].name,
        type: file.tensors[index].type.name
      )
    }
  }

  /// Copies bytes of a tensor.
  ///
  /// - Parameters:
  ///   - index: Place in ``tensors``.
  ///   - range: Bytes relative to the tensor's first.
  ///   - buffer: Room for exactly as many bytes.
  /// - Throws: As ``GGUFReader/read(tensor:bytes:into:)``.
  public func read(
    tensor index: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let place = places[index]
    try files[place.file].read(tensor: place.tensor, bytes: range, into: buffer)
  }
}

/// What a file says of the set it is part of.
private struct GGUFSplit {
  let number: Int
  let count: Int
  let tensorCount: Int

  /// Reads the keys of a split; nil if the file is whole.
  ///
  /// A merged file has the keys, too, with a count of 0.
  init?(of file: GGUFReader) throws {
    guard file.metadata[GGUFKey.splitCount] != nil else { return nil }
    count = try GGUFSplit.value(file, GGUFKey.splitCount, .uint16)
    if count <= 1 {
      (number, tensorCount) = (0, file.tensors.count)
      return
    }
    number = try GGUFSplit.value(file, GGUFKey.splitNumber, .uint16)
    tensorCount = try GGUFSplit.value(file, GGUFKey.splitTensorCount, .int32)
    guard number < count else {
      throw GGUFError.splitsDisagree(
        file: file.path,
        key: GGUFKey.splitNumber,
        expected: "less than \(count)",
        got: "\(number)"
      )
    }
  }

  private static func value(_ file: GGUFReader, _ key: String, _ type: GGUFValueType) throws
    -> Int
  {
    guard let value = file.metadata[key] else {
      throw GGUFError.missingKey(file: file.path, key: key)
    }
    guard value.type == type, let number = value.integer else {
      throw GGUFError.wrongKeyType(
        file: file.path,
        key: key,
        expected: type.name,
        got: value.type.name
      )
    }
    return number
  }

  /// The name of the split at `path`, which must agree with its keys.
  func name(of path: FilePath) throws -> GGUFSplitName {
    guard let name = GGUFSplitName(path), name.number == number, name.count == count else {
      throw GGUFError.misnamedSplit(file: path, number: number, count: count)
    }
    return name
  }

  /// Checks that files, in order, are the splits of one model.
  ///
  /// - Returns: Warnings for keys that a later split has and the first has not, or has otherwise: the
  ///   first split's are the model's.
  static func checkSet(_ files: [GGUFReader]) throws -> [String] {
    guard let first = try GGUFSplit(of: files[0]) else { return [] }
    let architecture = files[0].metadata[GGUFKey.architecture]
    for (number, file) in files.enumerated() {
      guard let split = try GGUFSplit(of: file) else {
        throw GGUFError.missingKey(file: file.path, key: GGUFKey.splitCount)
      }
      func compare(_ key: String, _ expected: Int, _ got: Int) throws {
        guard expected != got else { return }
        throw GGUFError.splitsDisagree(
          file: file.path,
          key: key,
          expected: "\(expected)",
          got: "\(got)"
        )
      }
      try compare(GGUFKey.splitCount, first.count, split.count)
      try compare(GGUFKey.splitTensorCount, first.tensorCount, split.tensorCount)
      if split.number != number || split.count != files.count {
        throw GGUFError.misnamedSplit(file: file.path, number: split.number, count: split.count)
      }
      // llama.cpp's tool writes it into the first split only, the Python package into all.
      if let other = file.metadata[GGUFKey.architecture], let architecture, other != architecture {
        throw GGUFError.splitsDisagree(
          file: file.path,
          key: GGUFKey.architecture,
          expected: "'\(architecture.string ?? architecture.type.name)'",
          got: "'\(other.string ?? other.type.name)'"
        )
      }
    }
    let got = files.reduce(0) { $0 + $1.tensors.count }
    guard got == first.tensorCount else {
      throw GGUFError.wrongTensorCount(
        file: files[0].path,
        expected: first.tensorCount,
        got: got
      )
    }
    return files.dropFirst().compactMap { warning(of: $0, beside: files[0]) }
  }

  private static func warning(of file: GGUFReader, beside first: GGUFReader) -> String? {
    let lost = file.metadata.filter { key, value in
      !GGUFKey.ownOfSplits.contains(key) && first.metadata[key] != value
    }
    return lost.first.map {
      "\(file.path): \(lost.count) of its keys are not those of the first split and are left out, the"
        + " first of them '\($0.key)'"
    }
  }
}
