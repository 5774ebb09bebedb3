internal import Pack
internal import Storage
public import SystemPackage

/// What of a checkpoint folder goes into a pack, and what stays behind.
public struct FolderInventory: Sendable {
  /// A file to be packed.
  public struct Entry: Sendable, Equatable {
    /// Its path relative to the folder.
    public let path: String
    /// Its size.
    public let byteCount: Int
    /// Whether it is a safetensors file of the checkpoint.
    public let isWeights: Bool
  }

  /// A file that is not packed.
  public struct LeftOut: Sendable, Equatable {
    /// Its path relative to the folder.
    public let path: String
    /// Its size.
    public let byteCount: Int
    /// Why.
    public let reason: String
  }

  /// The largest file, other than weights, that a pack takes.
  public static let fileLimit = 64 << 20

  /// Files to be packed, by path.
  public private(set) var entries: [Entry] = []
  /// Files left out, by path.
  public private(set) var leftOut: [LeftOut] = []

  private let root: FilePath
  private let takesAll: Bool
  private var hasIndex = false

  /// Lists `folder`.
  ///
  /// - Parameters:
  ///   - folder: The checkpoint, subfolders included.
  ///   - takesAll: Also take what is left out by default (`--all-files`).
  /// - Throws: ``ConversionError`` for sockets, devices, linked folders, links that lead nowhere,
  ///   names that cannot be packed and files past ``fileLimit``; `StorageError` if a folder cannot
  ///   be listed.
  public init(of folder: FilePath, takesAll: Bool = false) throws {
    root = folder
    self.takesAll = takesAll
    let top = try FileSystem.names(in: folder)
    hasIndex = top.contains { $0.hasSuffix(".safetensors.index.json") }
    try visit(top, below: "")
  }

  private mutating func visit(_ names: [String], below prefix: String) throws {
    for name in names {
      let relative = prefix.isEmpty ? name : "\(prefix)/\(name)"
      let path = root.appending(relative)
      switch FileSystem.kind(path) {
      case .directory: try visitFolder(relative, name)
      case .file: try visitFile(relative, name)
      case .other:
        throw ConversionError.specialFile(
          path: path,
          reason: "a socket, pipe or device cannot be packed; move it out of the folder"
        )
      case nil:
        throw ConversionError.specialFile(
          path: path,
          reason: "a link that leads nowhere; is the download complete?"
        )
      }
    }
  }

  private mutating func visitFolder(_ relative: String, _ name: String) throws {
    let path = root.appending(relative)
    if FileSystem.isLink(path) {
      throw ConversionError.specialFile(
        path: path,
        reason: "a link to a folder is not followed; move it out of the folder"
      )
    }
    if !takesAll, name == ".git" || name == ".cache" {
      leftOut.append(
        LeftOut(
          path: relative,
          byteCount: try FolderInventory.byteCount(below: path),
          reason: "not part of the model"
        )
      )
      return
    }
    try visit(try FileSystem.names(in: path), below: relative)
  }

  private mutating func visitFile(_ relative: String, _ name: String) throws {
    let size = FileSystem.byteCount(root.appending(relative)) ?? 0
    let isTop = relative == name
    let isSafetensors = isTop && name.hasSuffix(".safetensors")
    if !takesAll, let reason = reasonToLeaveOut(name, isTop: isTop) {
      leftOut.append(LeftOut(path: relative, byteCount: size, reason: reason))
      return
    }
    guard PackFile.isSafe(relative) else {
      throw ConversionError.specialFile(
        path: root.appending(relative),
        reason: "a name with a backslash or a control character cannot be packed; rename the file"
      )
    }
    guard isSafetensors || size <= FolderInventory.fileLimit else {
      throw ConversionError.fileTooLarge(
        path: root.appending(relative),
        byteCount: size,
        limit: FolderInventory.fileLimit
      )
    }
    entries.append(Entry(path: relative, byteCount: size, isWeights: isSafetensors))
  }

  private func reasonToLeaveOut(_ name: String, isTop: Bool) -> String? {
    let weightLike = [".bin", ".pt", ".pth", ".gguf", ".onnx", ".h5", ".msgpack"]
    if weightLike.contains(where: { name.hasSuffix($0) }) { return "weights in another format" }
    if isTop, hasIndex, name.hasPrefix("consolidated"), name.hasSuffix(".safetensors") {
      return "a second copy of the weights"
    }
    return nil
  }

  private static func byteCount(below folder: FilePath) throws -> Int {
    var total = 0
    for name in try FileSystem.names(in: folder) {
      let path = folder.appending(name)
      if FileSystem.isLink(path) { continue }
      total +=
        FileSystem.isDirectory(path) ? try byteCount(below: path) : FileSystem.byteCount(path) ?? 0
    }
    return total
  }
}
