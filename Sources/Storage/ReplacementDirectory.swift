internal import Glibc
public import SystemPackage

/// A folder filled beside its destination and put in place when it is whole.
///
/// One run at a time: the work folder is locked until it is in place or gone.
public final class ReplacementDirectory {
  /// Where the folder will be.
  public let destination: FilePath
  /// Where it is filled: the destination's name with `.partial` behind it.
  public let workPath: FilePath
  /// Where what stood at the destination waits while the new folder takes its place.
  private let asidePath: FilePath
  private let calls = SystemCalls.current
  private let descriptor: Int32
  /// Whether the work folder is ours to remove.
  private var isOurs = false
  /// The folders filled: the work folder and those made inside.
  private var folders: [FilePath]

  /// Creates the work folder, emptying what a killed run may have left of it.
  ///
  /// - Parameter destination: Where the folder will be.
  /// - Throws: ``StorageError/busy(path:process:)`` if another run fills a folder for the same
  ///   destination, ``StorageError/missingFolder(path:)`` or another ``StorageError``.
  public init(replacing destination: FilePath) throws(StorageError) {
    self.destination = destination
    workPath = ReplacementFile.workPath(of: destination)
    asidePath = FilePath(destination.string + ".partial-replaced")
    folders = [workPath]
    descriptor = try ReplacementDirectory.open(workPath, for: destination, calls)
    isOurs = true
    TemporaryWork.add(workPath)
    try FileSystem.removeContents(of: workPath)
    try restore()
  }

  deinit {
    if isOurs {
      FileSystem.removeTree(workPath)
      TemporaryWork.remove(workPath)
    }
    try? calls.close(descriptor)
  }

  /// Opens and locks the work folder, making it if need be.
  private static func open(_ path: FilePath, for destination: FilePath, _ calls: SystemCalls)
    throws(StorageError) -> Int32
  {
    try make(path, calls)
    let descriptor: Int32
    do {
      descriptor = try calls.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch .notDirectory {
      // A run that wrote a single file was killed here: this locks, empties and removes its rest.
      _ = try ReplacementFile(replacing: destination)
      return try open(path, for: destination, calls)
    } catch {
      throw StorageError("open", path, error)
    }
    do throws(StorageError) {
      try WorkLock.take(descriptor, at: path, for: destination, calls)
    } catch {
      try? calls.close(descriptor)
      throw error
    }
    return descriptor
  }

  /// Makes the work folder unless it is there.
  private static func make(_ path: FilePath, _ calls: SystemCalls) throws(StorageError) {
    do {
      try calls.makeFolder(path)
    } catch .fileExists {
      return
    } catch {
      let parent = FileSystem.folder(of: path)
      if error == .noSuchFileOrDirectory, !FileSystem.isDirectory(parent) {
        throw .missingFolder(path: parent)
      }
      throw StorageError("create", path, error)
    }
  }

  /// Puts back what a run set aside that was killed before its own folder was in place.
  private func restore() throws(StorageError) {
    guard try FileSystem.isOccupied(asidePath) else { return }
    if try FileSystem.isOccupied(destination) {
      try FileSystem.remove(asidePath)
    } else {
      do { try calls.rename(asidePath, to: destination) } catch {
        throw StorageError("put back", asidePath, error)
      }
    }
  }

  /// The path inside the work folder for `relative`, its parent folders created.
  ///
  /// `relative` must have been checked to stay inside (no `..`, not absolute).
  public func path(for relative: String) throws(StorageError) -> FilePath {
    let path = workPath.appending(relative)
    var folder = workPath
    let inside = FilePath(relative).removingLastComponent()
    for component in inside.components {
      folder.append(component)
      do { try calls.makeFolder(folder) } catch {
        guard error == .fileExists else { throw StorageError("create", folder, error) }
      }
      if !folders.contains(folder) { folders.append(folder) }
    }
    return path
  }

  /// Syncs the folders and puts the whole in place, replacing what stands there.
  ///
  /// - Throws: ``StorageError``; the destination is then as it was.
  public func finish() throws(StorageError) {
    for folder in folders { try sync(folder) }
    // An interruption between the two renames would leave nothing at the final name.
    try TemporaryWork.place([workPath]) { () throws(StorageError) in try place() }
  }

  private func place() throws(StorageError) {
    let isReplacing = try setAside()
    do throws(StorageError) {
      do { try calls.rename(workPath, to: destination) } catch {
        throw StorageError("rename", workPath, error)
      }
      do throws(StorageError) { try calls.syncFolder(of: destination) } catch {
        try? calls.rename(destination, to: workPath)
        throw error
      }
    } catch {
      if isReplacing { try? calls.rename(asidePath, to: destination) }
      throw error
    }
    isOurs = false
    if isReplacing { FileSystem.removeTree(asidePath) }
  }

  /// Makes way for the new folder; false if nothing was there.
  private func setAside() throws(StorageError) -> Bool {
    do { try calls.rename(destination, to: asidePath) } catch .noSuchFileOrDirectory {
      return false
    } catch {
      throw StorageError("set aside", destination, error)
    }
    return true
  }

  private func sync(_ folder: FilePath) throws(StorageError) {
    do { try calls.syncFolder(folder) } catch { throw StorageError("sync", folder, error) }
  }
}
