internal import Glibc
public import SystemPackage

/// A file for data that does not fit in memory, or that another run may need.
public final class SpoolFile {
  private let calls = SystemCalls.current
  private let descriptor: Int32
  /// Its path, or its folder if it has no name.
  private let folder: FilePath

  /// Creates a nameless file on the disk of `folder`; the space goes with the process.
  public init(in folder: FilePath) throws(StorageError) {
    self.folder = folder
    do { descriptor = try calls.openNameless(in: folder) } catch {
      throw StorageError("create a spool file", folder, error)
    }
  }

  /// Opens the file at `path`, which stays, or creates it.
  public init(at path: FilePath) throws(StorageError) {
    folder = path
    do {
      descriptor = try calls.open(path, O_RDWR | O_CREAT | O_NOFOLLOW)
      try calls.syncFolder(FileSystem.folder(of: path))
    } catch {
      throw StorageError("create", path, error)
    }
  }

  deinit { try? calls.close(descriptor) }

  /// Syncs what was written.
  public func sync() throws(StorageError) {
    do { try calls.syncData(descriptor) } catch { throw StorageError("sync", folder, error) }
  }

  /// Writes all of `bytes` at `offset`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
    do { try calls.writeAll(descriptor, bytes, at: offset) } catch {
      throw StorageError("spool", folder, error)
    }
  }

  /// Fills `bytes` from `offset`.
  ///
  /// - Parameters:
  ///   - bytes: Where they go.
  ///   - offset: Where they were written.
  /// - Throws: ``StorageError`` if they cannot be read or were never written.
  public func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) {
    let count: Int
    do { count = try calls.readAll(descriptor, bytes, at: offset) } catch {
      throw StorageError("read the spool", folder, error)
    }
    guard count == bytes.count else { throw .shrank(path: folder, offset: offset + count) }
  }
}
