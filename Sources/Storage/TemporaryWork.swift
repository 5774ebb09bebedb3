internal import Synchronization
internal import SystemPackage

/// Work files that no later run goes on with, so that an interrupted process can remove them.
public enum TemporaryWork {
  private static let paths = Mutex<Set<String>>([])

  static func add(_ path: FilePath) { paths.withLock { _ = $0.insert(path.string) } }

  static func remove(_ path: FilePath) { paths.withLock { _ = $0.remove(path.string) } }

  /// Puts `files` in place by `body`; an interruption meanwhile waits for it to be done.
  static func place(_ files: [FilePath], _ body: () throws(StorageError) -> Void)
    throws(StorageError)
  {
    try paths.withLock { all throws(StorageError) in
      try body()
      for file in files { all.remove(file.string) }
    }
  }

  /// Removes all and leaves; what is about to be put in place meanwhile waits, and so never is.
  public static func removeAll(andThen leave: () -> Never) -> Never {
    paths.withLock { all in
      for path in all { FileSystem.removeTree(FilePath(path)) }
      leave()
    }
  }
}
