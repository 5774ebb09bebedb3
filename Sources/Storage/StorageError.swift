public import SystemPackage

/// A reason bytes could not be read from or written to a file.
public enum StorageError: Error, Equatable, CustomStringConvertible {
  /// A system call on `path` failed.
  case system(action: String, path: FilePath, errno: Errno)
  /// Something other than a plain file stands at `path`.
  case notRegularFile(path: FilePath)
  /// The file ends before the bytes asked for.
  case pastEnd(path: FilePath, range: Range<Int>, byteCount: Int)
  /// A file that is read whole is larger than such a file can be.
  case tooLarge(path: FilePath, byteCount: Int, limit: Int)
  /// The file lost bytes while it was open.
  case shrank(path: FilePath, offset: Int)
  /// The output is there already.
  case exists(path: FilePath)
  /// Another run is writing the same output.
  case busy(path: FilePath)
  /// A work file of an unfinished run is not what the run left.
  case lostWorkFile(path: FilePath)
  /// The folder the output is to be put in is missing.
  case missingFolder(path: FilePath)

  /// Whether the same command may succeed once the machine has recovered: a full disk, a failing
  /// device, too many open files.
  public var isPassing: Bool {
    if case .system = self { return true }
    return false
  }

  /// What happened, where, and what helps.
  public var description: String {
    switch self {
    case .system(let action, let path, let errno):
      switch errno {
      case .noSuchFileOrDirectory: return "\(path): no such file or directory (\(action))"
      case .noSpace: return "\(path): the disk is full (\(action)); free some space and run again"
      case .permissionDenied: return "\(path): permission denied (\(action))"
      default: return "\(path): cannot \(action): \(errno)"
      }
    case .notRegularFile(let path):
      return "\(path): not a regular file"
    case .pastEnd(let path, let range, let byteCount):
      return
        "\(path): bytes \(range.lowerBound) to \(range.upperBound) were asked for, but the file"
        + " has \(byteCount); is the download complete?"
    case .tooLarge(let path, let byteCount, let limit):
      return "\(path): \(byteCount) bytes are more than such a file can have (\(limit)); is it the"
        + " right file?"
    case .shrank(let path, let offset):
      return "\(path): byte \(offset) vanished while the file was being read; was it replaced or"
        + " truncated by another program?"
    case .exists(let path):
      return "\(path): exists already; give --force to replace it"
    case .busy(let path):
      return "\(path): another run is writing this output; wait for it or choose another name"
    case .lostWorkFile(let path):
      return "\(path): is not what the unfinished run left; give --restart to begin anew"
    case .missingFolder(let path):
      return "\(path): no such folder for the output; create it first"
    }
  }
}
