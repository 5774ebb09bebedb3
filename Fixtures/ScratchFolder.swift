import Glibc

/// A folder of a test's own that vanishes with the object.
public final class ScratchFolder: Sendable {
  /// Where it is.
  public let path: String

  /// Makes a new, empty folder.
  public init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/moepack-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ScratchError(call: "mkdtemp", path: parent) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { ScratchFolder.remove(path) }

  /// The path of `name` inside.
  public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file, replacing what was there, and returns its path.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = self(name)
    guard let file = fopen(path, "wb") else { throw ScratchError(call: "fopen", path: path) }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
      throw ScratchError(call: "fwrite", path: path)
    }
    return path
  }

  /// Writes a text file and returns its path.
  @discardableResult
  public func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  /// Makes a folder and returns its path.
  @discardableResult
  public func makeFolder(_ name: String) throws -> String {
    let path = self(name)
    guard mkdir(path, 0o755) == 0 else { throw ScratchError(call: "mkdir", path: path) }
    return path
  }

  /// Copies the files of a flat folder and returns the copy's path.
  @discardableResult
  public func copy(_ folder: String, as name: String) throws -> String {
    let copy = try makeFolder(name)
    for file in try ScratchFolder.names(in: folder) {
      try write("\(name)/\(file)", try ScratchFolder.bytes(of: "\(folder)/\(file)"))
    }
    return copy
  }

  /// Names in a folder, sorted.
  public static func names(in folder: String) throws -> [String] {
    guard let stream = opendir(folder) else { throw ScratchError(call: "opendir", path: folder) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// All bytes of a file.
  public static func bytes(of path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw ScratchError(call: "fopen", path: path) }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let count = ftell(file)
    rewind(file)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = fread(buffer.baseAddress, 1, count, file)
    }
  }

  private static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in (try? names(in: path)) ?? [] { remove("\(path)/\(name)") }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}

/// A system call of a test's own that failed.
public struct ScratchError: Error {
  /// Which.
  public let call: String
  /// On what.
  public let path: String

  /// A failure of `call` on `path`.
  public init(call: String, path: String) {
    self.call = call
    self.path = path
  }
}
