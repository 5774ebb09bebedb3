public import SystemPackage

/// The names of a run's work files, all beginning with its output's; Formats/journal.md.
public struct WorkFiles: Sendable {
  /// Where the run's result will be.
  public let output: FilePath
  /// Where large work files go.
  public let folder: FilePath

  /// Names for a run that writes `output`, with large work files in `folder`.
  public init(of output: FilePath, in folder: FilePath) {
    self.output = output
    self.folder = folder
  }

  /// The unfinished output.
  public var partial: FilePath { FilePath(output.string + ".partial") }
  /// The journal.
  public var journal: FilePath { FilePath(output.string + ".partial-journal") }
  /// Statistics of a run whose output is not statistics.
  public var statistics: FilePath { large("statistics") }
  /// The residual streams behind the last finished layer.
  public var stream: FilePath { large("stream") }

  private func large(_ part: String) -> FilePath {
    folder.appending((output.lastComponent?.string ?? "") + ".partial-" + part)
  }

  private var all: [FilePath] {
    [partial, stream, statistics, FilePath(statistics.string + ".partial")]
  }

  /// Bytes that work files of an unfinished run hold already.
  public var byteCount: Int { all.reduce(0) { $0 + (FileSystem.byteCount($1) ?? 0) } }

  /// Removes all but the journal, which goes last and is its holder's to remove.
  public func remove() {
    for path in all { FileSystem.removeTree(path) }
  }
}
