public import JSON
internal import Pack
internal import Safetensors
public import Storage
public import SystemPackage
internal import Tensors

/// Puts a whole checkpoint folder, or one safetensors file, into a pack from which it comes back
/// byte for byte.
public struct LosslessPacking: Sendable {
  private let root: FilePath
  private let entries: [FolderInventory.Entry]
  private let leftOut: [FolderInventory.LeftOut]

  /// Packs a folder.
  public init(folder: FilePath, takesAll: Bool) throws {
    let inventory = try FolderInventory(of: folder, takesAll: takesAll)
    root = folder
    entries = inventory.entries
    leftOut = inventory.leftOut
  }

  /// Packs one file.
  public init(file: FilePath) throws {
    guard PackFile.isSafe(file.lastComponent?.string ?? "") else {
      throw ConversionError.specialFile(
        path: file,
        reason: "a name with a backslash or a control character cannot be packed; rename the file"
      )
    }
    root = FileSystem.folder(of: file)
    entries = [
      FolderInventory.Entry(
        path: file.lastComponent?.string ?? "",
        byteCount: FileSystem.byteCount(file) ?? 0,
        isWeights: true
      )
    ]
    leftOut = []
  }

  /// Bytes that will be read.
  public var sourceByteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

  /// Files that are not taken.
  public var filesLeftOut: [FolderInventory.LeftOut] { leftOut }

  /// What the pack depends on: every file by size and time of last change.
  public func identity() throws -> JSONObject {
    var identity = JSONObject()
    for entry in entries {
      let time = try FileSystem.changeTime(root.appending(entry.path))
      identity[entry.path] = .string("\(entry.byteCount) bytes, changed at \(time)")
    }
    return identity
  }

  private func tensorCount() throws -> Int {
    try entries.filter(\.isWeights).reduce(0) {
      $0 + (try SafetensorsReader(root.appending($1.path)).tensors.count)
    }
  }

  /// Checks every header, then writes the pack, or goes on with one.
  ///
  /// - Parameters:
  ///   - destination: Where the pack appears once it is whole.
  ///   - tool: Name and version that the pack notes.
  ///   - threads: Most threads to encode with; the bytes do not depend on it.
  ///   - journal: The run's journal; nil for a run that cannot be gone on with.
  ///   - syncBytes: Bytes read between two syncs of a pack that can be gone on with.
  ///   - progress: Called with the number of source bytes done since the last call.
  /// - Returns: Number of tensors, bytes of the pack, and the files left out.
  /// - Throws: `SafetensorsError` for a malformed header, ``ConversionError/unsupported(reason:)``
  ///   for a tensor in two files, `PackError` for what a pack cannot hold, `StorageError` if a file
  ///   cannot be read or written.
  public func run(
    to destination: FilePath,
    tool: String,
    threads: Int,
    journal: Journal? = nil,
    syncBytes: Int = 512 << 20,
    progress: (Int) -> Void
  ) throws -> ConversionReport {
    if let bytes = try PackWriter.placed(destination, journal)?["bytes"]?.integer {
      progress(sourceByteCount)
      return ConversionReport(tensorCount: try tensorCount(), byteCount: bytes, leftOut: leftOut)
    }
    let readers = try entries.map { entry in
      entry.isWeights ? try SafetensorsReader(root.appending(entry.path)) : nil
    }
    try requireOneOfEachName(readers.compactMap { $0 })
    let writer = try PackWriter(
      replacing: destination,
      threads: threads,
      resuming: journal?.take("parts")
    )
    var tensorCount = 0
    var unsynced = 0
    func added(_ byteCount: Int) throws {
      progress(byteCount)
      unsynced += byteCount
      guard let journal, unsynced >= syncBytes else { return }
      if let record = try writer.checkpoint() { try journal.append("parts", record) }
      unsynced = 0
    }
    for (entry, reader) in zip(entries, readers) {
      if let reader {
        let number = try writer.addWeights(
          path: entry.path,
          kind: .safetensors,
          header: try reader.headerText()
        )
        for index in SafetensorsHeader.order(of: reader.tensors) {
          let tensor = reader.tensors[index]
          let layout = TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape)
          try writer.addTensor(layout, byteCount: tensor.byteCount, fileNumber: number) {
            try reader.read(tensor: index, bytes: $0, into: $1)
          }
          tensorCount += 1
          try added(tensor.byteCount)
        }
      } else {
        let file = try MappedFile(root.appending(entry.path))
        try writer.addFile(path: entry.path, byteCount: file.byteCount) {
          try file.read($0, into: $1)
        }
        try added(entry.byteCount)
      }
    }
    try writer.finish(model: ["kind": "lossless", "tool": .string(tool)], journal: journal)
    return ConversionReport(
      tensorCount: tensorCount,
      byteCount: writer.byteCount,
      leftOut: leftOut
    )
  }

  /// A pack holds a tensor once; better to say so before gigabytes are written.
  private func requireOneOfEachName(_ readers: [SafetensorsReader]) throws {
    var files: [UTF8Key: FilePath] = [:]
    for reader in readers {
      for tensor in reader.tensors {
        guard let other = files.updateValue(reader.path, forKey: UTF8Key(tensor.name)) else {
          continue
        }
        throw ConversionError.unsupported(
          reason: "\(reader.path): holds '\(tensor.name)', which \(other) holds too; a pack takes a"
            + " tensor once, so move one of the files out of the folder"
        )
      }
    }
  }
}
