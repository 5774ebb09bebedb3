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

  private let descriptor: FileDescriptor
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer?
  /// Set for good once a page of the mapping was gone; written and read atomically in C.
  private let lost = LossFlag()

  /// Opens a regular file; links are followed, other things refused.
  public init(_ path: FilePath, access: Access = .positioned) throws(StorageError) {
    self.path = path
    self.access = access
    let descriptor: FileDescriptor
    do {
      // Without O_NONBLOCK a named pipe would wait here for a writer.
      descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch {
      throw .system(action: "open", path: path, errno: error as? Errno ?? .ioError)
    }
    self.descriptor = descriptor
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      let code = Errno(rawValue: Glibc.errno)
      try? descriptor.close()
      throw .system(action: "examine", path: path, errno: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      try? descriptor.close()
      throw .notRegularFile(path: path)
    }
    byteCount = Int(status.st_size)
    guard access == .mapped, byteCount > 0 else {
      base = nil
      return
    }
    let mapping = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor.rawValue, 0)
    guard let mapping, mapping != MAP_FAILED else {
      let code = Errno(rawValue: Glibc.errno)
      try? descriptor.close()
      throw .system(action: "map", path: path, errno: code)
    }
    madvise(mapping, byteCount, MADV_SEQUENTIAL)
    base = mapping
  }

  deinit {
    if let base { munmap(base, byteCount) }
    try? descriptor.close()
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
      let start = offset / page * page
      madvise(base + start, offset + count - start, MADV_DONTNEED)
      offset += count
    }
  }

  private func readPositioned(_ range: Range<Int>, to target: UnsafeMutableRawPointer)
    throws(StorageError)
  {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = pread(
        descriptor.rawValue,
        target + (offset - range.lowerBound),
        range.upperBound - offset,
        off_t(offset)
      )
      if count > 0 {
        offset += count
      } else if count == 0 {
        throw .shrank(path: path, offset: offset)
      } else if Glibc.errno != EINTR {
        throw .system(action: "read", path: path, errno: Errno(rawValue: Glibc.errno))
      }
    }
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
