public import SystemPackage

/// A reason bytes could not be read from or written to a file.
public enum StorageError: Error, Equatable, CustomStringConvertible {
  /// A system call on `path` failed.
  case system(action: String, path: FilePath, errno: Errno)
  /// There is no room for `path`: the disk is full, the quota used up or the file at its limit.
  case outOfSpace(action: String, path: FilePath, errno: Errno)
  /// The disk of `path` has less room than is known to be needed.
  case notEnoughSpace(path: FilePath, needed: Int, available: Int)
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
  /// Another run is writing the same output; its process where the kernel tells.
  case busy(path: FilePath, process: Int?)
  /// A work file of an unfinished run is not what the run left.
  case lostWorkFile(path: FilePath)
  /// More files must be open at once than the process may have.
  case tooManyFiles(path: FilePath, count: Int, limit: Int)
  /// The folder the output is to be put in is missing.
  case missingFolder(path: FilePath)

  /// Whether the same command may succeed once the machine has recovered: a full disk, a failing
  /// device, a file server that is gone.
  public var isPassing: Bool {
    switch self {
    case .outOfSpace, .notEnoughSpace: true
    case .system(_, _, let errno): !StorageError.lasting.contains(errno)
    default: false
    }
  }

  /// What the command line or the input is to blame for.
  private static let lasting: [Errno] = [
    .noSuchFileOrDirectory, .notDirectory, .isDirectory, .tooManySymbolicLinkLevels,
    .fileNameTooLong, .invalidArgument,
  ]

  /// The error for a failed call: one case for every way to be out of room, another for the rest.
  init(_ action: String, _ path: FilePath, _ errno: Errno) {
    switch errno {
    case .noSpace, .diskQuotaExceeded, .fileTooLarge:
      self = .outOfSpace(action: action, path: path, errno: errno)
    default: self = .system(action: action, path: path, errno: errno)
    }
  }

  /// What happened, where, and what helps.
  public var description: String {
    switch self {
    case .system(let action, let path, let errno):
      switch errno {
      case .noSuchFileOrDirectory: return "\(path): no such file or directory (\(action))"
      case .permissionDenied: return "\(path): permission denied (\(action))"
      case .tooManyOpenFiles:
        return "\(path): cannot \(action): the process has too many files open; raise the limit"
          + " (ulimit -n) or use fewer, larger files"
      default: return "\(path): cannot \(action): \(errno)"
      }
    case .outOfSpace(let action, let path, let errno):
      switch errno {
      case .diskQuotaExceeded:
        return "\(path): the disk quota is used up (\(action)); free some space and run again"
      case .fileTooLarge:
        return "\(path): the file system or a limit of the process allows no larger file"
          + " (\(action)); choose another disk or raise the limit (ulimit -f) and run again"
      default: return "\(path): the disk is full (\(action)); free some space and run again"
      }
    case .notEnoughSpace(let path, let needed, let available):
      // Rounded so that what is told to be enough is enough.
      let (need, left) = ((needed + 999_999) / 1_000_000, available / 1_000_000)
      return "\(path): \(need) MB are needed but the disk has \(left) MB left; free"
        + " \(need - left) MB or write to another disk"
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
    case .lostWorkFile(let path):
      return "\(path): is not what the unfinished run left; give --restart to begin anew"
    case .busy(let path, let process):
      let run = process.map { "another run (process \($0))" } ?? "another run"
      return "\(path): \(run) is writing this output; wait for it or choose another name"
    case .tooManyFiles(let path, let count, let limit):
      return "\(path): \(count) files must be open at once, of \(limit) that the process may have;"
        + " raise the limit (ulimit -n \(OpenFiles.limit(for: count))) or use fewer, larger files"
    case .missingFolder(let path):
      return "\(path): no such folder to write to; create it first"
    }
  }
}
