internal import Glibc
package import SystemPackage

/// The system calls of this module, each retried when a signal interrupts it, each failing as an
/// `Errno`.
///
/// A test puts a `fault` in the way with `SystemCalls.$current.withValue`. What is opened keeps the
/// calls it was opened with, so that a fault follows it from thread to thread.
package struct SystemCalls: Sendable {
  /// A call that can fail.
  package enum Name: Sendable {
    case open, close, duplicate, status, pathStatus, list, resolve, freeSpace
    case read, write, truncate, sync, lock, map
    case rename, unlink, makeFolder, removeFolder, openFileLimit
  }

  /// What a test makes of a call.
  package enum Fault: Sendable {
    /// The call is not made and fails.
    case error(Errno)
    /// Reading or writing moves only half of the bytes, but one at least; other calls succeed.
    case short
    /// The call is not made and succeeds, for those that give nothing back.
    case skipped
  }

  /// The calls that a file opened now will use.
  @TaskLocal package static var current = SystemCalls()

  /// Asked before every call; nil lets the call through.
  private let fault: (@Sendable (Name) -> Fault?)?

  /// Calls that reach the kernel unless `fault` says otherwise.
  package init(fault: (@Sendable (Name) -> Fault?)? = nil) { self.fault = fault }

  /// Makes a call, again as long as a signal interrupts it; -1 means failure.
  private func make<Result: SignedInteger>(_ name: Name, _ call: () -> Result) throws(Errno)
    -> Result
  {
    while true {
      let code: Errno
      switch fault?(name) {
      case .error(let injected): code = injected
      case .skipped: return 0
      case .short, nil:
        let result = call()
        guard result == -1 else { return result }
        code = Errno(rawValue: errno)
      }
      guard code == .interrupted else { throw code }
    }
  }

  /// Makes a call that moves up to `count` bytes.
  private func move(_ name: Name, _ count: Int, _ call: (Int) -> Int) throws(Errno) -> Int {
    while true {
      let fault = self.fault?(name)
      let code: Errno
      if case .error(let injected) = fault {
        code = injected
      } else {
        let isCut = if case .short = fault { true } else { false }
        let moved = call(isCut ? max(1, count / 2) : count)
        guard moved == -1 else { return moved }
        code = Errno(rawValue: errno)
      }
      guard code == .interrupted else { throw code }
    }
  }
}

// MARK: - Open files

extension SystemCalls {
  /// `open`, never inherited by a child.
  func open(_ path: FilePath, _ flags: Int32, mode: mode_t = 0o644) throws(Errno) -> Int32 {
    try make(.open) { Glibc.open(path.string, flags | O_CLOEXEC, mode) }
  }

  /// Opens a new file in `folder` that has no name.
  func openNameless(in folder: FilePath) throws(Errno) -> Int32 {
    do {
      // Without the underscores the constant is hidden from Swift.
      return try open(folder, O_RDWR | __O_TMPFILE, mode: 0o600)
    } catch .notSupported, .isDirectory {
      return try openAndUnlink(in: folder)
    }
  }

  /// The same where the file system gives every file a name first.
  private func openAndUnlink(in folder: FilePath) throws(Errno) -> Int32 {
    var template = Array(folder.appending(".moepack-spool-XXXXXX").string.utf8CString)
    let descriptor = try make(.open) { mkstemp(&template) }
    do {
      _ = try make(.unlink) { Glibc.unlink(template) }
    } catch {
      try? close(descriptor)
      throw error
    }
    return descriptor
  }

  /// `close`; interrupted, the descriptor is gone all the same.
  func close(_ descriptor: Int32) throws(Errno) {
    let injected: Errno? = if case .error(let code) = fault?(.close) { code } else { nil }
    let code = Glibc.close(descriptor) == 0 ? injected : Errno(rawValue: errno)
    if let code, code != .interrupted { throw code }
  }

  /// A second descriptor of the same open file.
  func duplicate(_ descriptor: Int32) throws(Errno) -> Int32 {
    try make(.duplicate) { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
  }

  /// `fstat`.
  func status(_ descriptor: Int32) throws(Errno) -> stat {
    var result = stat()
    _ = try make(.status) { fstat(descriptor, &result) }
    return result
  }

  /// `pread`, once; 0 at the end of the file.
  func read(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer, at offset: Int)
    throws(Errno) -> Int
  {
    try move(.read, bytes.count) { pread(descriptor, bytes.baseAddress, $0, off_t(offset)) }
  }

  /// `pwrite`, once.
  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Errno)
    -> Int
  {
    try move(.write, bytes.count) { pwrite(descriptor, bytes.baseAddress, $0, off_t(offset)) }
  }

  /// `ftruncate`.
  func truncate(_ descriptor: Int32, to byteCount: Int) throws(Errno) {
    _ = try make(.truncate) { ftruncate(descriptor, off_t(byteCount)) }
  }

  /// `fsync`.
  func sync(_ descriptor: Int32) throws(Errno) { _ = try make(.sync) { fsync(descriptor) } }

  /// `fdatasync`.
  func syncData(_ descriptor: Int32) throws(Errno) {
    _ = try make(.sync) { fdatasync(descriptor) }
  }

  /// An exclusive `flock` that does not wait.
  func lock(_ descriptor: Int32) throws(Errno) {
    _ = try make(.lock) { flock(descriptor, LOCK_EX | LOCK_NB) }
  }

  /// A shared mapping of a whole file, for reading from front to back.
  func map(_ descriptor: Int32, byteCount: Int) throws(Errno) -> UnsafeMutableRawPointer {
    var mapping: UnsafeMutableRawPointer?
    _ = try make(.map) {
      mapping = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
      return mapping == MAP_FAILED ? -1 : 0
    }
    guard let mapping else { throw .invalidArgument }
    madvise(mapping, byteCount, MADV_SEQUENTIAL)
    return mapping
  }
}

// MARK: - The process

extension SystemCalls {
  /// `getrlimit`: how many files the process may hold open, and what it may raise that to.
  func openFileLimits() throws(Errno) -> (soft: Int, hard: Int) {
    let limits = try readOpenFileLimits()
    return (Int(clamping: limits.rlim_cur), Int(clamping: limits.rlim_max))
  }

  /// `setrlimit`: lets the process hold open as many files as it may ask for.
  func raiseOpenFileLimit() throws(Errno) {
    var limits = try readOpenFileLimits()
    limits.rlim_cur = limits.rlim_max
    _ = try make(.openFileLimit) {
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }
  }

  private func readOpenFileLimits() throws(Errno) -> rlimit {
    var limits = rlimit()
    _ = try make(.openFileLimit) {
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }
    return limits
  }
}

// MARK: - Paths

extension SystemCalls {
  /// `stat`.
  func status(of path: FilePath) throws(Errno) -> stat {
    var result = stat()
    _ = try make(.pathStatus) { stat(path.string, &result) }
    return result
  }

  /// `lstat`.
  func linkStatus(of path: FilePath) throws(Errno) -> stat {
    var result = stat()
    _ = try make(.pathStatus) { lstat(path.string, &result) }
    return result
  }

  /// Names in a folder, as they come, without `.` and `..`.
  func names(in folder: FilePath) throws(Errno) -> [String] {
    var opened: OpaquePointer?
    _ = try make(.list) {
      opened = opendir(folder.string)
      return opened == nil ? -1 : 0
    }
    guard let stream = opened else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      var entry: UnsafeMutablePointer<dirent>?
      _ = try make(.list) {
        errno = 0
        entry = readdir(stream)
        return entry == nil && errno != 0 ? -1 : 0
      }
      guard let entry else { return names }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  /// `realpath`.
  func resolved(_ path: FilePath) throws(Errno) -> FilePath {
    var found: UnsafeMutablePointer<CChar>?
    _ = try make(.resolve) {
      found = realpath(path.string, nil)
      return found == nil ? -1 : 0
    }
    guard let found else { return path }
    defer { free(found) }
    return FilePath(String(cString: found))
  }

  /// Bytes that an ordinary user may still write to the disk of `path`.
  func freeBytes(at path: FilePath) throws(Errno) -> Int {
    var result = statvfs()
    _ = try make(.freeSpace) { statvfs(path.string, &result) }
    let bytes = UInt64(result.f_bavail).multipliedReportingOverflow(by: UInt64(result.f_frsize))
    return bytes.overflow ? .max : Int(clamping: bytes.partialValue)
  }

  /// `rename`.
  func rename(_ path: FilePath, to target: FilePath) throws(Errno) {
    _ = try make(.rename) { Glibc.rename(path.string, target.string) }
  }

  /// `unlink`.
  func unlink(_ path: FilePath) throws(Errno) {
    _ = try make(.unlink) { Glibc.unlink(path.string) }
  }

  /// `mkdir`.
  func makeFolder(_ path: FilePath) throws(Errno) {
    _ = try make(.makeFolder) { mkdir(path.string, 0o755) }
  }

  /// `rmdir`.
  func removeFolder(_ path: FilePath) throws(Errno) {
    _ = try make(.removeFolder) { rmdir(path.string) }
  }
}

// MARK: - Whole ranges

extension SystemCalls {
  /// Fills `bytes` from `offset`; returns how many came before the end of the file.
  func readAll(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer, at offset: Int)
    throws(Errno) -> Int
  {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
      let count = try read(descriptor, rest, at: offset + done)
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Writes all of `bytes` at `offset`.
  func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int)
    throws(Errno)
  {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = try write(descriptor, rest, at: offset + done)
      if count == 0 { throw .noSpace }
      done += count
    }
  }

  /// Syncs the folder of `path`, so that its being there, or not, stays so.
  func syncFolder(of path: FilePath) throws(StorageError) {
    let folder = FileSystem.folder(of: path)
    do { try syncFolder(folder) } catch { throw StorageError("sync", folder, error) }
  }

  /// Syncs a folder, so that what was created, renamed or removed in it stays so.
  func syncFolder(_ folder: FilePath) throws(Errno) {
    let descriptor: Int32
    do {
      descriptor = try open(folder, O_RDONLY | O_DIRECTORY)
    } catch .permissionDenied {
      return  // A folder may be written to and yet not be read.
    }
    defer { try? close(descriptor) }
    do {
      try sync(descriptor)
    } catch .invalidArgument, .notSupported {
      return  // Some file systems cannot sync a folder.
    }
  }
}
