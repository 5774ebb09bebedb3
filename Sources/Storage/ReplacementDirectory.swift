internal import Glibc
public import SystemPackage

/// A folder filled beside its destination and put in place when it is whole.
public final class ReplacementDirectory {
  /// Where the folder will be.
  public let destination: FilePath
  /// Where it is filled: the destination's name with `.partial` behind it.
  public let workPath: FilePath
  private var isInPlace = false

  /// Creates the work folder, emptying what a killed run may have left of it.
  public init(replacing destination: FilePath) throws(StorageError) {
    self.destination = destination
    workPath = FilePath(destination.string + ".partial")
    let parent = FileSystem.folder(of: destination)
    guard FileSystem.isDirectory(parent) else { throw .missingFolder(path: parent) }
    FileSystem.removeTree(workPath)
    guard mkdir(workPath.string, 0o755) == 0 else {
      throw .system(action: "create", path: workPath, errno: Errno(rawValue: Glibc.errno))
    }
    TemporaryWork.add(workPath)
  }

  deinit {
    if !isInPlace { FileSystem.removeTree(workPath) }
    TemporaryWork.remove(workPath)
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
      if mkdir(folder.string, 0o755) != 0, Glibc.errno != EEXIST {
        throw .system(action: "create", path: folder, errno: Errno(rawValue: Glibc.errno))
      }
    }
    return path
  }

  /// Puts the folder in place, replacing what stands there.
  public func finish() throws(StorageError) {
    var old: FilePath?
    if FileSystem.exists(destination) {
      let aside = FilePath(destination.string + ".partial-replaced")
      FileSystem.removeTree(aside)
      guard rename(destination.string, aside.string) == 0 else {
        throw .system(action: "set aside", path: destination, errno: Errno(rawValue: Glibc.errno))
      }
      old = aside
    }
    guard rename(workPath.string, destination.string) == 0 else {
      let code = Errno(rawValue: Glibc.errno)
      if let old { rename(old.string, destination.string) }
      throw .system(action: "rename", path: workPath, errno: code)
    }
    isInPlace = true
    FileSystem.syncFolder(of: destination)
    if let old { FileSystem.removeTree(old) }
  }
}
