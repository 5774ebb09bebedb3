internal import Synchronization
internal import SystemPackage

/// Work files that no later run goes on with, so that an interrupted process can remove them.
public enum TemporaryWork {
  private static let paths = Mutex<Set<String>>([])

  static func add(_ path: FilePath) { paths.withLock { _ = $0.insert(path.string) } }

  static func remove(_ path: FilePath) { paths.withLock { _ = $0.remove(path.string) } }

  /// Removes all that exist now.
  public static func removeAll() {
    let all = paths.withLock { $0 }
    for path in all { FileSystem.removeTree(FilePath(path)) }
  }
}
