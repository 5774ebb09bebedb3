public import SystemPackage

/// How many files the process may hold open at once.
///
/// The system sets a soft limit, often 1,024, below a hard one that any process may go up to. A model
/// in more files than the soft limit asks for more here, before it opens them.
public enum OpenFiles {
  /// Room for what else a command opens: the terminal, work files, folders to sync, a small source.
  private static let others = 48

  /// The limit under which `count` files can be open.
  static func limit(for count: Int) -> Int { count + others }

  /// Sees to it that `count` files can be opened, raising the soft limit to the hard one where they
  /// would take more than half of it: another model of as many files may be open.
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
      let limits = try calls.openFileLimits()
      guard 2 * limit(for: count) > limits.soft else { return }
      if limit(for: count) <= limits.hard {
        if limits.soft < limits.hard { try calls.raiseOpenFileLimit() }
        return
      }
      refused = .tooManyFiles(path: path, count: count, limit: limits.hard)
    } catch {
      refused = StorageError("raise the limit on open files", path, error)
    }
    throw refused
  }
}
