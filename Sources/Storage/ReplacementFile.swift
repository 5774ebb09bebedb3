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
  private let descriptor: FileDescriptor
  private var isOpen = true
  private var isInPlace = false

  /// Creates the work file.
  ///
  /// - Throws: ``StorageError/busy(path:)`` if another process holds the work file.
  public init(replacing destination: FilePath) throws(StorageError) {
    self.destination = destination
    workPath = FilePath(destination.string + ".partial")
    do {
      descriptor = try FileDescriptor.open(
        workPath,
        .readWrite,
        options: [.create, .closeOnExec],
        permissions: [
          .ownerReadWrite, .groupRead, .otherRead,
        ]
      )
    } catch {
      let code = error as? Errno ?? .ioError
      if code == .noSuchFileOrDirectory, !FileSystem.isDirectory(FileSystem.folder(of: destination))
      {
        throw .missingFolder(path: FileSystem.folder(of: destination))
      }
      throw .system(action: "create", path: workPath, errno: code)
    }
    // The lock goes with the process, so that a killed run never blocks the next one.
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      try? descriptor.close()
      isOpen = false
      isInPlace = true
      throw .busy(path: destination)
    }
    // Another run may have put this very file in place between our opening and our lock.
    var (locked, standing) = (stat(), stat())
    guard fstat(descriptor.rawValue, &locked) == 0, stat(workPath.string, &standing) == 0,
      locked.st_dev == standing.st_dev, locked.st_ino == standing.st_ino
    else {
      try? descriptor.close()
      isOpen = false
      isInPlace = true
      throw .busy(path: destination)
    }
    guard ftruncate(descriptor.rawValue, 0) == 0 else {
      throw .system(action: "empty", path: workPath, errno: Errno(rawValue: Glibc.errno))
    }
  }

  deinit {
    if isOpen { try? descriptor.close() }
    if !isInPlace { unlink(workPath.string) }
  }

  /// Writes all of `bytes` at `offset`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor.rawValue,
        bytes.baseAddress.map { $0 + done },
        bytes.count - done,
        off_t(offset + done)
      )
      if count > 0 {
        done += count
      } else if count == 0 || Glibc.errno != EINTR {
        let code = count == 0 ? Errno.noSpace : Errno(rawValue: Glibc.errno)
        throw .system(action: "write", path: workPath, errno: code)
      }
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
    var done = 0
    while done < buffer.count {
      let count = pread(
        descriptor.rawValue,
        buffer.baseAddress.map { $0 + done },
        buffer.count - done,
        off_t(range.lowerBound + done)
      )
      if count > 0 {
        done += count
      } else if count == 0 || Glibc.errno != EINTR {
        throw .system(action: "read back", path: workPath, errno: Errno(rawValue: Glibc.errno))
      }
    }
  }

  /// Syncs the file, puts it in place and syncs its folder.
  public func finish() throws(StorageError) {
    guard fsync(descriptor.rawValue) == 0 else {
      throw .system(action: "sync", path: workPath, errno: Errno(rawValue: Glibc.errno))
    }
    // Renamed before it is closed, for the lock ends with the closing.
    guard rename(workPath.string, destination.string) == 0 else {
      throw .system(action: "rename", path: workPath, errno: Errno(rawValue: Glibc.errno))
    }
    isInPlace = true
    isOpen = false
    do { try descriptor.close() } catch {
      throw .system(action: "close", path: destination, errno: error as? Errno ?? .ioError)
    }
    FileSystem.syncFolder(of: destination)
  }
}
