internal import Glibc
public import SystemPackage

/// A folder for one test, removed with all in it when the test lets go of it.
public final class TemporaryDirectory: Sendable {
  /// Where it is, links resolved.
  public let path: FilePath

  /// Creates an empty folder.
  public init() throws {
    var template = Array("/tmp/moepack-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(rawValue: Glibc.errno) }
    path = FilePath(platformString: template)
  }

  deinit { TemporaryDirectory.remove(path.string) }

  /// The path of `relative` inside.
  public func callAsFunction(_ relative: String) -> FilePath { path.appending(relative) }

  /// Writes a file, with the folders it lies in, and returns its path.
  @discardableResult
  public func write(_ bytes: [UInt8], to relative: String) throws -> FilePath {
    let target = path.appending(relative)
    try makeFolders(for: relative)
    let descriptor = try FileDescriptor.open(
      target,
      .writeOnly,
      options: [.create, .truncate],
      permissions: .ownerReadWrite
    )
    try descriptor.closeAfter { _ = try descriptor.writeAll(bytes) }
    return target
  }

  /// Writes a text file.
  @discardableResult
  public func write(_ text: String, to relative: String) throws -> FilePath {
    try write(Array(text.utf8), to: relative)
  }

  /// Creates a folder with the folders above it.
  @discardableResult
  public func makeFolder(_ relative: String) throws -> FilePath {
    try makeFolders(for: relative + "/x")
    return path.appending(relative)
  }

  /// Creates a symbolic link.
  public func link(_ relative: String, to target: String) throws {
    try makeFolders(for: relative)
    guard symlink(target, path.appending(relative).string) == 0 else {
      throw Errno(rawValue: Glibc.errno)
    }
  }

  /// Creates a named pipe.
  public func makePipe(_ relative: String) throws {
    guard mkfifo(path.appending(relative).string, 0o600) == 0 else {
      throw Errno(rawValue: Glibc.errno)
    }
  }

  /// Cuts or stretches a file.
  public func resize(_ relative: String, to byteCount: Int) throws {
    guard truncate(path.appending(relative).string, off_t(byteCount)) == 0 else {
      throw Errno(rawValue: Glibc.errno)
    }
  }

  /// Removes a file, or a folder with all in it.
  public func remove(_ relative: String) {
    TemporaryDirectory.remove(path.appending(relative).string)
  }

  /// The bytes of a file.
  public func bytes(of relative: String) throws -> [UInt8] {
    try readBytes(path.appending(relative))
  }

  /// Every file below a folder (links followed) by its path relative to that folder.
  public func files(below relative: String = ".") throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    func visit(_ folder: String, _ prefix: String) throws {
      for name in TemporaryDirectory.names(folder) {
        let inner = folder + "/" + name
        if TemporaryDirectory.isFolder(inner) {
          try visit(inner, prefix + name + "/")
        } else {
          found[prefix + name] = try readBytes(FilePath(inner))
        }
      }
    }
    try visit(path.appending(relative).string, "")
    return found
  }

  /// Names in the folder, ascending.
  public var names: [String] { TemporaryDirectory.names(path.string) }

  // MARK: -

  private func makeFolders(for relative: String) throws {
    var folder = path
    for component in FilePath(relative).removingLastComponent().components {
      folder.append(component)
      if mkdir(folder.string, 0o755) != 0, Glibc.errno != EEXIST {
        throw Errno(rawValue: Glibc.errno)
      }
    }
  }

  private static func names(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in names(path) { remove(path + "/" + name) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}

/// The bytes of the file at `path`, by other means than the module under test.
public func readBytes(_ path: FilePath) throws -> [UInt8] {
  let descriptor = try FileDescriptor.open(path, .readOnly)
  return try descriptor.closeAfter {
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try room.withUnsafeMutableBytes { try descriptor.read(into: $0) }
      if count == 0 { return bytes }
      bytes += room[..<count]
    }
  }
}
