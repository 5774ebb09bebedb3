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
    workPath = FilePath(destination.string + ".partial")
    asidePath = FilePath(destination.string + ".partial-replaced")
    let parent = FileSystem.folder(of: destination)
    guard FileSystem.isDirectory(parent) else { throw .missingFolder(path: parent) }
    folders = [workPath]
    descriptor = try ReplacementDirectory.open(workPath, for: destination, calls)
    isOurs = true
    FileSystem.removeContents(of: workPath)
    try restore()
  }

  deinit {
    if isOurs { FileSystem.removeTree(workPath) }
    try? calls.close(descriptor)
  }

  /// Opens and locks the work folder, making it if need be.
  private static func open(_ path: FilePath, for destination: FilePath, _ calls: SystemCalls)
    throws(StorageError) -> Int32
  {
    // Where a run that wrote a single file was killed, this locks, empties and removes its rest.
    if FileSystem.kind(path) == .file { _ = try ReplacementFile(replacing: destination) }
    do { try calls.makeFolder(path) } catch {
      guard error == .fileExists else { throw StorageError("create", path, error) }
    }
    let descriptor: Int32
    do { descriptor = try calls.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) } catch {
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

  /// Puts back what a run set aside that was killed before its own folder was in place.
  private func restore() throws(StorageError) {
    guard FileSystem.exists(asidePath) else { return }
    if FileSystem.exists(destination) {
      FileSystem.removeTree(asidePath)
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
    let isReplacing = FileSystem.exists(destination)
    if isReplacing {
      do { try calls.rename(destination, to: asidePath) } catch {
        throw StorageError("set aside", destination, error)
      }
    }
    do throws(StorageError) {
      do { try calls.rename(workPath, to: destination) } catch {
        throw StorageError("rename", workPath, error)
      }
      do throws(StorageError) { try sync(FileSystem.folder(of: destination)) } catch {
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

  private func sync(_ folder: FilePath) throws(StorageError) {
    do { try calls.syncFolder(folder) } catch { throw StorageError("sync", folder, error) }
  }
}
