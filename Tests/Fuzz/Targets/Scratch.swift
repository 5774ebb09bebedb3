internal import Glibc
internal import Storage
internal import SystemPackage

/// The folder a target writes into; files are put in place without syncing.
struct Scratch {
  let path: FilePath

  init(_ path: String) { self.path = FilePath(path) }

  func callAsFunction(_ relative: String) -> FilePath { path.appending(relative) }

  /// Writes a file in place of what was there.
  func write(_ bytes: [UInt8], to relative: String) throws(BrokenProperty) {
    let name = self(relative).string
    guard let file = fopen(name, "wb") else { throw BrokenProperty("cannot write \(name)") }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
      throw BrokenProperty("cannot write \(name)")
    }
  }

  /// Makes an empty folder in place of what was there.
  func makeFolder(_ relative: String) {
    remove(relative)
    mkdir(self(relative).string, 0o755)
  }

  func remove(_ relative: String) { FileSystem.removeTree(self(relative)) }

  func bytes(_ relative: String) throws(BrokenProperty) -> [UInt8] {
    do { return try FileSystem.contents(of: self(relative)) } catch {
      throw BrokenProperty("\(error)")
    }
  }
}
