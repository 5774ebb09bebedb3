internal import Glibc
public import SystemPackage

/// A file for data that does not fit in memory, or that another run may need.
public final class SpoolFile {
  private let descriptor: Int32
  /// Its path, or its folder if it has no name.
  private let folder: FilePath

  /// Creates a nameless file on the disk of `folder`; the space goes with the process.
  public init(in folder: FilePath) throws(StorageError) {
    self.folder = folder
    var template = Array(folder.appending(".moepack-spool-XXXXXX").string.utf8CString)
    descriptor = mkstemp(&template)
    guard descriptor >= 0 else {
      throw .system(
        action: "create a spool file",
        path: folder,
        errno: Errno(rawValue: Glibc.errno)
      )
    }
    unlink(template)
  }

  /// Opens the file at `path`, which stays, or creates it.
  public init(at path: FilePath) throws(StorageError) {
    folder = path
    descriptor = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .system(action: "create", path: path, errno: Errno(rawValue: Glibc.errno))
    }
  }

  deinit { close(descriptor) }

  /// Syncs what was written.
  public func sync() throws(StorageError) {
    guard fdatasync(descriptor) == 0 else {
      throw .system(action: "sync", path: folder, errno: Errno(rawValue: Glibc.errno))
    }
  }

  /// Writes all of `bytes` at `offset`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor,
        bytes.baseAddress.map { $0 + done },
        bytes.count - done,
        off_t(offset + done)
      )
      if count > 0 {
        done += count
      } else if count == 0 || Glibc.errno != EINTR {
        throw .system(action: "spool", path: folder, errno: Errno(rawValue: Glibc.errno))
      }
    }
  }

  /// Fills `bytes` from `offset`.
  public func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) {
    var done = 0
    while done < bytes.count {
      let count = pread(
        descriptor,
        bytes.baseAddress.map { $0 + done },
        bytes.count - done,
        off_t(offset + done)
      )
      if count > 0 {
        done += count
      } else if count == 0 || Glibc.errno != EINTR {
        throw .system(action: "read the spool", path: folder, errno: Errno(rawValue: Glibc.errno))
      }
    }
  }
}
