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
  let calls = SystemCalls.current
  private let descriptor: Int32
  private let keeping: Keeping
  /// Whether the work file is locked and not yet in place.
  private var isOurs = false

  /// Where a file is written that is to be at `destination`.
  public static func workPath(of destination: FilePath) -> FilePath {
    FilePath(destination.string + ".partial")
  }

  /// Creates the work file, or goes on with one.
  ///
  /// - Parameters:
  ///   - destination: Where the file will be.
  ///   - keeping: What becomes of work files.
  /// - Throws: ``StorageError/busy(path:process:)`` if another process holds the work file,
  ///   ``StorageError/lostWorkFile(path:)`` if it has fewer bytes than are to be kept.
  public init(replacing destination: FilePath, keeping: Keeping = .nothing) throws(StorageError) {
    self.destination = destination
    self.keeping = keeping
    workPath = ReplacementFile.workPath(of: destination)
    descriptor = try ReplacementFile.open(workPath, for: destination, calls)
    let byteCount = try WorkLock.take(descriptor, at: workPath, for: destination, calls)
    isOurs = true
    if keeping == .nothing {
      TemporaryWork.add(workPath)
    } else {
      // A journal will vouch for the file, so its name must last, too.
      try calls.syncFolder(of: workPath)
    }
    try cut(byteCount)
  }

  /// Takes up a work file that an earlier run left whole, or nil if there is none.
  public convenience init?(resuming destination: FilePath) throws(StorageError) {
    guard FileSystem.exists(ReplacementFile.workPath(of: destination)) else { return nil }
    try self.init(replacing: destination, keeping: .all)
  }

  /// Cuts off what is not to be kept of `byteCount` bytes.
  private func cut(_ byteCount: Int) throws(StorageError) {
    let kept: Int
    switch keeping {
    case .nothing: kept = 0
    case .all: return
    case .bytes(let count): kept = count
    }
    guard kept <= byteCount else { throw .lostWorkFile(path: workPath) }
    do { try calls.truncate(descriptor, to: kept) } catch {
      throw StorageError("cut", workPath, error)
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
    if isOurs, keeping == .nothing {
      try? calls.unlink(workPath)
      TemporaryWork.remove(workPath)
    }
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

  /// Bytes of the work file so far.
  public func byteCount() throws(StorageError) -> Int {
    do { return Int(try calls.status(descriptor).st_size) } catch {
      throw StorageError("examine", workPath, error)
    }
  }

  /// Syncs what was written.
  public func sync() throws(StorageError) {
    do { try calls.sync(descriptor) } catch { throw StorageError("sync", workPath, error) }
  }

  /// Puts the file in place and syncs its folder; everything must be synced before.
  ///
  /// - Throws: ``StorageError``. The destination is then as it was, unless it is the folder that
  ///   could not be synced: then the whole new file is in place.
  public func place() throws(StorageError) {
    try TemporaryWork.place([workPath]) { () throws(StorageError) in try rename() }
    try calls.syncFolder(of: destination)
  }

  /// Gives the synced file its final name.
  func rename() throws(StorageError) {
    // Some file systems tell of failed writes only when a descriptor is closed. Ours holds the lock
    // until the file is in place, so a second one is closed first.
    do { try calls.close(calls.duplicate(descriptor)) } catch {
      throw StorageError("close", workPath, error)
    }
    do { try calls.rename(workPath, to: destination) } catch {
      throw StorageError("rename", workPath, error)
    }
    isOurs = false
  }

  /// Makes the file a work file again.
  func takeBack() {
    guard (try? calls.rename(destination, to: workPath)) != nil else { return }
    isOurs = true
  }

  /// Syncs the file and puts it in place.
  ///
  /// - Throws: ``StorageError``, as ``sync()`` and ``place()`` do.
  public func finish() throws(StorageError) {
    try sync()
    try place()
  }
}
