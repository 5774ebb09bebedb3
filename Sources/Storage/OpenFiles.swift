public import SystemPackage

/// How many files the process may hold open at once.
///
/// The system sets a soft limit, often 1,024, below a hard one that any process may go up to. A model
/// in more files than the soft limit asks for more here, before it opens them.
public enum OpenFiles {
  /// Room for what else a command opens meanwhile: the terminal, work files, folders to sync.
  private static let others = 48

  /// The limit under which `count` files can be open.
  static func limit(for count: Int) -> Int { count + others }

  /// Sees to it that `count` files can be opened beside those that are open now, raising the soft
  /// limit to the hard one where it is too low.
  ///
  /// - Parameters:
  ///   - count: How many; a single one is always allowed.
  ///   - path: What they belong to, for errors.
  /// - Throws: ``StorageError/tooManyFiles(path:count:limit:)`` if the hard limit is too low, too;
  ///   another ``StorageError`` if the system does not tell or change the limit.
  public static func allow(_ count: Int, for path: FilePath) throws(StorageError) {
    guard count > 1 else { return }
    let calls = SystemCalls.current
    let refused: StorageError
    do throws(Errno) {
      let all = try openCount(calls) + count
      let limits = try calls.openFileLimits()
      guard limit(for: all) > limits.soft else { return }
      if limit(for: all) <= limits.hard { return try calls.raiseOpenFileLimit() }
      refused = .tooManyFiles(path: path, count: all, limit: limits.hard)
    } catch {
      refused = StorageError("raise the limit on open files", path, error)
    }
    throw refused
  }

  /// How many files are open, this question's own folder included; 0 where the system does not say.
  private static func openCount(_ calls: SystemCalls) throws(Errno) -> Int {
    do { return try calls.names(in: "/proc/self/fd").count } catch .noSuchFileOrDirectory {
      return 0
    }
  }
}
