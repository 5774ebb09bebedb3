internal import CKernels
internal import Glibc
public import SystemPackage

/// A file opened for reading, whose bytes leave through one copying call.
///
/// No pointer into the mapping escapes, so nothing outside this file can meet a SIGBUS, and pages
/// that were copied are dropped from the mapping at once: a 600 GB model passes through without
/// counting against the process.
public final class MappedFile: Sendable {
  /// How bytes are fetched.
  public enum Access: Sendable {
    /// From a memory mapping.
    case mapped
    /// By `pread`: as fast within noise (0.93 to 1.2 times the mapping's time over 2 GB in the page
    /// cache, in pieces of 1 MiB), and a file that shrinks is an error without a signal handler.
    case positioned
  }

  /// Where the file is.
  public let path: FilePath
  /// Its size when it was opened.
  public let byteCount: Int
  /// How it is read.
  public let access: Access

  private let calls = SystemCalls.current
  private let descriptor: Int32
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer?
  /// Set for good once a page of the mapping was gone; written and read atomically in C.
  private let lost = LossFlag()

  /// Opens a regular file; links are followed, other things refused.
  public init(_ path: FilePath, access: Access = .positioned) throws(StorageError) {
    self.path = path
    self.access = access
    let opened: Int32
    // Without O_NONBLOCK a named pipe would wait here for a writer.
    do { opened = try calls.open(path, O_RDONLY | O_NONBLOCK) } catch {
      throw StorageError("open", path, error)
    }
    do throws(StorageError) {
      byteCount = try MappedFile.size(of: opened, path, calls)
      base = try access == .mapped ? MappedFile.map(opened, byteCount, path, calls) : nil
    } catch {
      try? calls.close(opened)
      throw error
    }
    descriptor = opened
  }

  deinit {
    if let base { munmap(base, byteCount) }
    try? calls.close(descriptor)
  }

  private static func size(of descriptor: Int32, _ path: FilePath, _ calls: SystemCalls)
    throws(StorageError) -> Int
  {
    let status: stat
    do { status = try calls.status(descriptor) } catch {
      throw StorageError("examine", path, error)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile(path: path) }
    return Int(status.st_size)
  }

  private static func map(
    _ descriptor: Int32,
    _ byteCount: Int,
    _ path: FilePath,
    _ calls: SystemCalls
  ) throws(StorageError) -> UnsafeMutableRawPointer? {
    guard byteCount > 0 else { return nil }
    do { return try calls.map(descriptor, byteCount: byteCount) } catch {
      throw StorageError("map", path, error)
    }
  }

  /// Copies `range` of the file into `buffer`, which must be as long.
  public func read(_ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer)
    throws(StorageError)
  {
    precondition(buffer.count == range.count)
    guard range.lowerBound >= 0, range.upperBound <= byteCount else {
      throw .pastEnd(path: path, range: range, byteCount: byteCount)
    }
    guard let target = buffer.baseAddress, !range.isEmpty else { return }
    if let base {
      try copy(from: base, range, to: target)
    } else {
      try readPositioned(range, to: target)
    }
  }

  /// The bytes of `range` as an array.
  public func bytes(_ range: Range<Int>) throws(StorageError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= byteCount else {
      throw .pastEnd(path: path, range: range, byteCount: byteCount)
    }
    var failure: StorageError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      do throws(StorageError) {
        try read(range, into: UnsafeMutableRawBufferPointer(buffer))
        count = range.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Copies in pieces and lets go of the pages behind each.
  private func copy(
    from base: UnsafeMutableRawPointer,
    _ range: Range<Int>,
    to target: UnsafeMutableRawPointer
  ) throws(StorageError) {
    let piece = 4 << 20
    let page = 4096
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(piece, range.upperBound - offset)
      let place = target + (offset - range.lowerBound)
      guard moepack_copy_guarded(place, base + offset, count, lost.word) == 0 else {
        throw .shrank(path: path, offset: offset)
      }
      // Within the last page of a file that was cut, zeros are read and no signal is raised.
      let end = try MappedFile.size(of: descriptor, path, calls)
      guard end >= offset + count else { throw .shrank(path: path, offset: max(end, offset)) }
      let start = offset / page * page
      madvise(base + start, offset + count - start, MADV_DONTNEED)
      offset += count
    }
  }

  private func readPositioned(_ range: Range<Int>, to target: UnsafeMutableRawPointer)
    throws(StorageError)
  {
    let buffer = UnsafeMutableRawBufferPointer(start: target, count: range.count)
    let count: Int
    do { count = try calls.readAll(descriptor, buffer, at: range.lowerBound) } catch {
      throw StorageError("read", path, error)
    }
    guard count == range.count else { throw .shrank(path: path, offset: range.lowerBound + count) }
  }
}

/// A word that the signal handler can reach, shared by all reads of one mapping.
private final class LossFlag: Sendable {
  nonisolated(unsafe) let word: UnsafeMutablePointer<Int32>

  init() {
    word = .allocate(capacity: 1)
    word.initialize(to: 0)
  }

  deinit { word.deallocate() }
}
