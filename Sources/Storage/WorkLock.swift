internal import Glibc
internal import SystemPackage

/// The exclusive right to a work path: an `flock` on what lies there, which goes with the process,
/// so that a killed run never blocks the next one.
enum WorkLock {
  /// Locks an open work file or folder; where the file system has no locks, nothing is locked.
  ///
  /// - Parameters:
  ///   - descriptor: The work file or folder, open.
  ///   - path: Where it lies.
  ///   - destination: The output it is for, named in the error.
  ///   - calls: The calls to use.
  /// - Returns: The size of what is locked.
  /// - Throws: ``StorageError/busy(path:process:)`` if another run has it, or has just put it in
  ///   place; ``StorageError/system(action:path:errno:)`` if locking fails.
  @discardableResult
  static func take(
    _ descriptor: Int32,
    at path: FilePath,
    for destination: FilePath,
    _ calls: SystemCalls
  ) throws(StorageError) -> Int {
    do {
      try lock(descriptor, calls)
    } catch .wouldBlock {
      throw .busy(path: destination, process: holder(of: descriptor, calls))
    } catch .notSupported, .noLocks, .badFileDescriptor {
      // Network file systems: no lock service, or none for folders.
    } catch {
      throw StorageError("lock", path, error)
    }
    let (locked, standing): (stat, stat)
    do {
      locked = try calls.status(descriptor)
      standing = try calls.linkStatus(of: path)
    } catch .noSuchFileOrDirectory {
      throw .busy(path: destination, process: nil)
    } catch {
      throw StorageError("examine", path, error)
    }
    // Another run may have put this very file in place between our opening and our lock.
    guard locked.st_dev == standing.st_dev, locked.st_ino == standing.st_ino else {
      throw .busy(path: destination, process: nil)
    }
    return Int(locked.st_size)
  }

  /// Waits a moment for a holder that is about to let go: a process that is being started has our
  /// closed descriptors until it runs its program.
  private static func lock(_ descriptor: Int32, _ calls: SystemCalls) throws(Errno) {
    for _ in 0..<patience {
      do { return try calls.lock(descriptor) } catch .wouldBlock { usleep(20_000) }
    }
    try calls.lock(descriptor)
  }

  private static let patience = 10

  /// The process that holds the lock, by `/proc/locks`; nil if it is not to be seen.
  private static func holder(of descriptor: Int32, _ calls: SystemCalls) -> Int? {
    guard let status = try? calls.status(descriptor),
      let list = try? calls.open("/proc/locks", O_RDONLY)
    else { return nil }
    defer { try? calls.close(list) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = bytes.withUnsafeMutableBytes { try? calls.readAll(list, $0, at: 0) } ?? 0
    // "1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"
    for line in String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 5, words[1] == "FLOCK" else { continue }
      let place = words[5].split(separator: ":")
      guard place.count == 3, UInt(place[0], radix: 16) == major(status.st_dev),
        UInt(place[1], radix: 16) == minor(status.st_dev), UInt(place[2]) == status.st_ino
      else { continue }
      return Int(words[4]).flatMap { $0 > 0 ? $0 : nil }
    }
    return nil
  }

  private static func major(_ device: dev_t) -> UInt {
    (device >> 8 & 0xFFF) | (device >> 32 & 0xFFFF_F000)
  }

  private static func minor(_ device: dev_t) -> UInt {
    (device & 0xFF) | (device >> 12 & 0xFFFF_FF00)
  }
}
