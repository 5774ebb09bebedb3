internal import Glibc
public import SystemPackage

/// A file written beside its destination and put in place when it is whole.
///
/// Until `finish()` the destination is untouched; abandoned, the work file is removed unless another
/// run is to go on with it. Positioned writes may come from several threads at once.
public final class ReplacementFile: @unchecked Sendable {
  /// What becomes of a work file that an earlier run left, and of one that this run leaves.
  public enum Keeping: Sendable, Equatable {
    /// The earlier is emptied, the own removed.
    case nothing
    /// The earlier is cut to so many bytes, which it must have; the own stays.
    case bytes(Int)
    /// The earlier is taken as it is; the own stays.
    case all
  }

  /// Where the file will be.
  public let destination: FilePath
  /// Where it is written: the destination's name with `.partial` behind it.
  public let workPath: FilePath
  private let descriptor: FileDescriptor
  private var isOpen = true
  private var isInPlace = false
  private let keeping: Keeping

  /// Creates the work file, or goes on with one.
  ///
  /// - Parameters:
  ///   - destination: Where the file will be.
  ///   - keeping: What becomes of work files.
  /// - Throws: ``StorageError/busy(path:)`` if another process holds the work file,
  ///   ``StorageError/lostWorkFile(path:)`` if it has fewer bytes than are to be kept.
  public init(replacing destination: FilePath, keeping: Keeping = .nothing) throws(StorageError) {
    self.destination = destination
    self.keeping = keeping
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
    if keeping == .nothing { TemporaryWork.add(workPath) }
    try cut(locked.st_size)
  }

  /// Takes up a work file that an earlier run left whole, or nil if there is none.
  public convenience init?(resuming destination: FilePath) throws(StorageError) {
    guard FileSystem.exists(FilePath(destination.string + ".partial")) else { return nil }
    try self.init(replacing: destination, keeping: .all)
  }

  /// Cuts off what is not to be kept of `size` bytes.
  private func cut(_ size: off_t) throws(StorageError) {
    let kept: Int
    switch keeping {
    case .nothing: kept = 0
    case .all: return
    case .bytes(let count): kept = count
    }
    guard kept <= Int(size) else { throw .lostWorkFile(path: workPath) }
    guard ftruncate(descriptor.rawValue, off_t(kept)) == 0 else {
      throw .system(action: "cut", path: workPath, errno: Errno(rawValue: Glibc.errno))
    }
  }

  deinit {
    if isOpen { try? descriptor.close() }
    guard !isInPlace, keeping == .nothing else { return }
    unlink(workPath.string)
    TemporaryWork.remove(workPath)
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

  /// Syncs what was written.
  public func sync() throws(StorageError) {
    guard fsync(descriptor.rawValue) == 0 else {
      throw .system(action: "sync", path: workPath, errno: Errno(rawValue: Glibc.errno))
    }
  }

  /// Puts the file in place and syncs its folder; everything must be synced before.
  public func place() throws(StorageError) {
    // Renamed before it is closed, for the lock ends with the closing.
    guard rename(workPath.string, destination.string) == 0 else {
      throw .system(action: "rename", path: workPath, errno: Errno(rawValue: Glibc.errno))
    }
    isInPlace = true
    isOpen = false
    TemporaryWork.remove(workPath)
    do { try descriptor.close() } catch {
      throw .system(action: "close", path: destination, errno: error as? Errno ?? .ioError)
    }
    FileSystem.syncFolder(of: destination)
  }

  /// Syncs the file, puts it in place and syncs its folder.
  public func finish() throws(StorageError) {
    try sync()
    try place()
  }
}
