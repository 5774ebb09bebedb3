public import SystemPackage

/// A nameless file for data that does not fit in memory; the disk space goes with the process.
public final class SpoolFile {
  private let calls = SystemCalls.current
  private let descriptor: Int32
  private let folder: FilePath

  /// Creates the file on the disk of `folder`.
  public init(in folder: FilePath) throws(StorageError) {
    self.folder = folder
    do { descriptor = try calls.openNameless(in: folder) } catch {
      throw StorageError("create a spool file", folder, error)
    }
  }

  deinit { try? calls.close(descriptor) }

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
