public import SystemPackage

/// The names of a run's work files, all beginning with its output's; Formats/journal.md.
public struct WorkFiles: Sendable {
  /// Where the run's result will be.
  public let output: FilePath
  /// Where large work files go.
  public let folder: FilePath
  /// Where a second result will be, if there is one.
  public var second: FilePath?

  /// Names for a run that writes `output`, and `second` if given, with large work files in `folder`.
  public init(of output: FilePath, in folder: FilePath, second: FilePath? = nil) {
    self.output = output
    self.folder = folder
    self.second = second
  }

  /// The unfinished output.
  public var partial: FilePath { ReplacementFile.workPath(of: output) }
  /// The journal.
  public var journal: FilePath { FilePath(output.string + ".partial-journal") }
  /// Statistics of a run whose output is not statistics.
  public var statistics: FilePath { large("statistics") }
  /// The residual streams behind the last finished layer.
  public var stream: FilePath { large("stream") }

  /// In a folder that outputs of several folders share, their paths tell their work files apart.
  private func large(_ part: String) -> FilePath {
    let name = output.lastComponent?.string ?? ""
    let home = FileSystem.folder(of: output)
    guard !FileSystem.isSame(home, folder), let real = FileSystem.resolved(home) else {
      return folder.appending("\(name).partial-\(part)")
    }
    let mark = (Checksum.of(Array(real.string.utf8)) >> 32).hexadecimal(digits: 8)
    return folder.appending("\(name)-\(mark).partial-\(part)")
  }

  /// Bytes that an unfinished run has written of its output.
  public var partialBytes: Int { FileSystem.byteCount(partial) ?? 0 }

  /// Bytes that an unfinished run has written into its work folder.
  public var folderBytes: Int {
    [stream, statistics, ReplacementFile.workPath(of: statistics)]
      .reduce(0) { $0 + (FileSystem.byteCount($1) ?? 0) }
  }

  /// Removes all but the journal, which goes last and is its holder's to remove; an output that
  /// another process is writing is left to it.
  public func remove() {
    for path in [output, statistics] + [second].compactMap({ $0 })
    where FileSystem.exists(ReplacementFile.workPath(of: path)) {
      // Locked, emptied, and removed when it is let go of.
      _ = try? ReplacementFile(replacing: path)
    }
    for path in [stream, statistics] { FileSystem.removeTree(path) }
  }
}
