internal import Glibc
internal import SystemPackage

extension ReplacementFile {
  /// Syncs files that belong together and puts them in place, all or none as far as a file system
  /// can: it renames one file at a time.
  ///
  /// What stood at the destinations waits beside them, the first set aside first, and comes back if
  /// a renaming fails. The first of the new files is put in place last. So whenever the process is
  /// killed in between, the first file is missing, and nobody takes a mixture for a whole; what was
  /// there lies beside under the name with `.partial-replaced` behind it, until files are put in
  /// place at the same names: of a run that makes fewer or more of them some stay.
  ///
  /// - Parameter files: The files, the one without which the others are of no use first.
  /// - Throws: ``StorageError``; the destinations are then as they were.
  public static func finish(_ files: [ReplacementFile]) throws(StorageError) {
    guard files.count != 1 else { return try files[0].finish() }
    for file in files { try file.sync() }
    try TemporaryWork.place(files.map(\.workPath)) { () throws(StorageError) in
      try exchange(files)
    }
    // A killed run may have left some, too.
    for file in files { try? file.calls.unlink(file.asidePath) }
  }

  /// Sets aside what stands at the destinations and puts the files there.
  private static func exchange(_ files: [ReplacementFile]) throws(StorageError) {
    var aside: [ReplacementFile] = []
    var placed: [ReplacementFile] = []
    do throws(StorageError) {
      for file in files where try file.setAside() { aside.append(file) }
      for file in files.reversed() {
        try file.rename()
        placed.append(file)
      }
      // One file of each folder will do.
      let folders = Dictionary(
        files.map { (FileSystem.folder(of: $0.destination), $0) },
        uniquingKeysWith: { old, _ in old }
      )
      for file in folders.values { try file.calls.syncFolder(of: file.destination) }
    } catch {
      for file in placed.reversed() { file.takeBack() }
      for file in aside.reversed() { file.putBack() }
      throw error
    }
  }

  /// Where what stood at the destination waits.
  private var asidePath: FilePath { FilePath(destination.string + ".partial-replaced") }

  /// Makes way for the new file; false if nothing was there.
  private func setAside() throws(StorageError) -> Bool {
    do throws(Errno) {
      // A folder could be set aside, too, but a single file does not replace one either.
      guard try calls.linkStatus(of: destination).st_mode & S_IFMT != S_IFDIR else {
        throw Errno.isDirectory
      }
      try calls.rename(destination, to: asidePath)
    } catch .noSuchFileOrDirectory {
      return false
    } catch {
      throw StorageError("set aside", destination, error)
    }
    return true
  }

  private func putBack() { try? calls.rename(asidePath, to: destination) }
}
