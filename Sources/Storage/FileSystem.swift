internal import Glibc
public import SystemPackage

/// Questions to the file system and small operations on it.
public enum FileSystem {
  /// What stands at a path.
  public enum Kind: Sendable {
    /// A regular file.
    case file
    /// A folder.
    case directory
    /// A device, socket or pipe.
    case other
  }

  /// What stands at `path`, links followed; nil if nothing does.
  public static func kind(_ path: FilePath) -> Kind? { status(path).map(kind) }

  /// Whether `path` itself is a symbolic link.
  public static func isLink(_ path: FilePath) -> Bool {
    var result = stat()
    return lstat(path.string, &result) == 0 && result.st_mode & S_IFMT == S_IFLNK
  }

  /// Whether a folder stands at `path`.
  public static func isDirectory(_ path: FilePath) -> Bool { kind(path) == .directory }

  /// Whether anything stands at `path`.
  public static func exists(_ path: FilePath) -> Bool { status(path) != nil }

  /// The size of the file at `path`, or nil.
  public static func byteCount(_ path: FilePath) -> Int? { status(path).map { Int($0.st_size) } }

  /// When the content of the file at `path` last changed, as seconds and nanoseconds since 1970.
  public static func changeTime(_ path: FilePath) throws(StorageError) -> String {
    guard let time = status(path)?.st_mtim else {
      throw .system(action: "examine", path: path, errno: Errno(rawValue: Glibc.errno))
    }
    let nanoseconds = String(time.tv_nsec)
    let zeros = String(repeating: "0", count: max(0, 9 - nanoseconds.count))
    return "\(time.tv_sec).\(zeros)\(nanoseconds)"
  }

  /// Whether two paths lead to the same file or folder.
  public static func isSame(_ a: FilePath, _ b: FilePath) -> Bool {
    guard let a = status(a), let b = status(b) else { return false }
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino
  }

  /// Names in a folder, by bytes ascending.
  public static func names(in folder: FilePath) throws(StorageError) -> [String] {
    guard let stream = opendir(folder.string) else {
      throw .system(action: "list", path: folder, errno: Errno(rawValue: Glibc.errno))
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The folder a path lies in ("." for a bare name).
  public static func folder(of path: FilePath) -> FilePath {
    let folder = path.removingLastComponent()
    return folder.string.isEmpty ? "." : folder
  }

  /// The real path with links resolved, or nil if it does not exist.
  public static func resolved(_ path: FilePath) -> FilePath? {
    guard let pointer = realpath(path.string, nil) else { return nil }
    defer { free(pointer) }
    return FilePath(String(cString: pointer))
  }

  /// Removes a file or folder with all in it; links are removed, not followed.
  public static func removeTree(_ path: FilePath) {
    if !isLink(path), isDirectory(path), let names = try? names(in: path) {
      for name in names { removeTree(path.appending(name)) }
      rmdir(path.string)
    } else {
      unlink(path.string)
    }
  }

  /// Reads a whole small file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: The most bytes that make sense; a larger file is refused.
  /// - Returns: All its bytes.
  /// - Throws: ``StorageError`` if it is not a regular file, cannot be read, or exceeds `limit`.
  public static func contents(of path: FilePath, limit: Int = 256 << 20) throws(StorageError)
    -> [UInt8]
  {
    let file = try MappedFile(path)
    guard file.byteCount <= limit else {
      throw .tooLarge(path: path, byteCount: file.byteCount, limit: limit)
    }
    return try file.bytes(0..<file.byteCount)
  }

  /// Writes a whole small file through a ``ReplacementFile``.
  public static func write(_ bytes: [UInt8], to path: FilePath) throws(StorageError) {
    let file = try ReplacementFile(replacing: path)
    try file.write(bytes, at: 0)
    try file.finish()
  }

  static func syncFolder(of path: FilePath) {
    let descriptor = open(folder(of: path).string, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func status(_ path: FilePath) -> stat? {
    var result = stat()
    return stat(path.string, &result) == 0 ? result : nil
  }

  private static func kind(_ status: stat) -> Kind {
    switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .directory
    default: .other
    }
  }
}
