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
    guard let status = try? SystemCalls.current.linkStatus(of: path) else { return false }
    return status.st_mode & S_IFMT == S_IFLNK
  }

  /// Whether a folder stands at `path`.
  public static func isDirectory(_ path: FilePath) -> Bool { kind(path) == .directory }

  /// Whether anything stands at `path`.
  public static func exists(_ path: FilePath) -> Bool { status(path) != nil }

  /// The size of the file at `path`, or nil.
  public static func byteCount(_ path: FilePath) -> Int? { status(path).map { Int($0.st_size) } }

  /// Whether two paths lie on one disk; true where that is not to be seen.
  public static func isSameDisk(_ a: FilePath, _ b: FilePath) -> Bool {
    guard let a = try? SystemCalls.current.status(of: a),
      let b = try? SystemCalls.current.status(of: b)
    else { return true }
    return a.st_dev == b.st_dev
  }

  /// When the content of the file at `path` last changed, as seconds and nanoseconds since 1970.
  public static func changeTime(_ path: FilePath) throws(StorageError) -> String {
    let time: timespec
    do { time = try SystemCalls.current.status(of: path).st_mtim } catch {
      throw StorageError("examine", path, error)
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
    do {
      return try SystemCalls.current.names(in: folder)
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw StorageError("list", folder, error)
    }
  }

  /// The folder a path lies in ("." for a bare name).
  public static func folder(of path: FilePath) -> FilePath {
    let folder = path.removingLastComponent()
    return folder.string.isEmpty ? "." : folder
  }

  /// The real path with links resolved, or nil if it does not exist.
  public static func resolved(_ path: FilePath) -> FilePath? {
    try? SystemCalls.current.resolved(path)
  }

  /// `path` with its folder's links resolved; the same for every way to say where a file is or will
  /// be.
  public static func absolute(_ path: FilePath) -> FilePath {
    guard let name = path.lastComponent, let folder = resolved(folder(of: path)) else {
      return path
    }
    return folder.appending(name)
  }

  /// Bytes that may still be written to the disk of `folder`.
  ///
  /// - Parameter folder: A folder, or any file on that disk.
  /// - Returns: The bytes left to an ordinary user; a quota is not seen.
  /// - Throws: ``StorageError/system(action:path:errno:)`` if the disk cannot be asked.
  public static func availableBytes(at folder: FilePath) throws(StorageError) -> Int {
    do { return try SystemCalls.current.freeBytes(at: folder) } catch {
      throw StorageError("examine the disk", folder, error)
    }
  }

  /// Removes a file or folder with all in it, as far as that can be done; links are removed, not
  /// followed.
  public static func removeTree(_ path: FilePath) { try? remove(path) }

  /// Removes a file or folder with all in it; links are removed, not followed.
  ///
  /// - Parameter path: What to remove; it may be gone already.
  /// - Throws: The first ``StorageError`` met; what could be removed is gone all the same.
  static func remove(_ path: FilePath) throws(StorageError) {
    let calls = SystemCalls.current
    do {
      if try calls.linkStatus(of: path).st_mode & S_IFMT != S_IFDIR {
        return try calls.unlink(path)
      }
    } catch .noSuchFileOrDirectory {
      return
    } catch {
      throw StorageError("remove", path, error)
    }
    try removeContents(of: path)
    do { try calls.removeFolder(path) } catch { throw StorageError("remove", path, error) }
  }

  /// Removes all that lies in a folder.
  ///
  /// - Parameter folder: The folder, which stays.
  /// - Throws: The first ``StorageError`` met; what could be removed is gone all the same.
  static func removeContents(of folder: FilePath) throws(StorageError) {
    var failure: StorageError?
    for name in try names(in: folder) {
      do { try remove(folder.appending(name)) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
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

  /// Whether anything stands at `path`, a link that leads nowhere included.
  static func isOccupied(_ path: FilePath) throws(StorageError) -> Bool {
    do { _ = try SystemCalls.current.linkStatus(of: path) } catch .noSuchFileOrDirectory {
      return false
    } catch {
      throw StorageError("examine", path, error)
    }
    return true
  }

  private static func status(_ path: FilePath) -> stat? {
    try? SystemCalls.current.status(of: path)
  }

  private static func kind(_ status: stat) -> Kind {
    switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .directory
    default: .other
    }
  }
}
