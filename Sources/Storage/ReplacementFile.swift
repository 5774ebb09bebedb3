internal import Glibc
public import SystemPackage

/// A file written beside its destination and put in place when it is whole.
///
/// Until `finish()` the destination is untouched; abandoned, the work file is removed. Positioned
/// writes may come from several threads at once.
public final class ReplacementFile: @unchecked Sendable {
  /// Where the file will be.
  public let destination: FilePath
  /// Where it is written: the destination's name with `.partial` behind it.
  public let workPath: FilePath
  private let calls = SystemCalls.current
  private let descriptor: Int32
  /// Whether the work file is ours to remove.
  private var isOurs = false

  /// Creates the work file.
  ///
  /// - Throws: ``StorageError/busy(path:process:)`` if another process holds the work file.
  public init(replacing destination: FilePath) throws(StorageError) {
    self.destination = destination
    workPath = FilePath(destination.string + ".partial")
    descriptor = try ReplacementFile.open(workPath, for: destination, calls)
    try WorkLock.take(descriptor, at: workPath, for: destination, calls)
    isOurs = true
    do { try calls.truncate(descriptor, to: 0) } catch {
      throw StorageError("empty", workPath, error)
    }
  }

  private static func open(_ path: FilePath, for destination: FilePath, _ calls: SystemCalls)
    throws(StorageError) -> Int32
  {
    do {
      return try calls.open(path, O_RDWR | O_CREAT | O_NOFOLLOW)
    } catch .isDirectory {
      // A run that filled a folder was killed here: this locks, empties and removes its rest.
      _ = try ReplacementDirectory(replacing: destination)
      return try open(path, for: destination, calls)
    } catch {
      let folder = FileSystem.folder(of: destination)
      if error == .noSuchFileOrDirectory, !FileSystem.isDirectory(folder) {
        throw .missingFolder(path: folder)
      }
      throw StorageError("create", path, error)
    }
  }

  deinit {
    // Removed before it is closed, for the lock ends with the closing.
    if isOurs { try? calls.unlink(workPath) }
    try? calls.close(descriptor)
  }

  /// Writes all of `bytes` at `offset`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
    do { try calls.writeAll(descriptor, bytes, at: offset) } catch {
      throw StorageError("write", workPath, error)
    }
  }

  /// Writes all of `bytes` at `offset`.
  public func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
    var failure: StorageError?
    bytes.withUnsafeBytes { raw in
      do throws(StorageError) { try write(raw, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Reads back what was written.
  public func read(_ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer)
    throws(StorageError)
  {
    precondition(buffer.count == range.count)
    let count: Int
    do { count = try calls.readAll(descriptor, buffer, at: range.lowerBound) } catch {
      throw StorageError("read back", workPath, error)
    }
    guard count == range.count else {
      throw .shrank(path: workPath, offset: range.lowerBound + count)
    }
  }

  /// Syncs the file, puts it in place and syncs its folder.
  ///
  /// - Throws: ``StorageError``. The destination is then as it was, unless it is the folder that
  ///   could not be synced: then the whole new file is in place.
  public func finish() throws(StorageError) {
    do { try calls.sync(descriptor) } catch { throw StorageError("sync", workPath, error) }
    // Some file systems tell of failed writes only when a descriptor is closed. Ours holds the lock
    // until the file is in place, so a second one is closed first.
    do { try calls.close(calls.duplicate(descriptor)) } catch {
      throw StorageError("close", workPath, error)
    }
    do { try calls.rename(workPath, to: destination) } catch {
      throw StorageError("rename", workPath, error)
    }
    isOurs = false
    let folder = FileSystem.folder(of: destination)
    do { try calls.syncFolder(folder) } catch { throw StorageError("sync", folder, error) }
  }
}
