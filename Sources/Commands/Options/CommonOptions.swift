internal import ArgumentParser
internal import Glibc
internal import Storage
internal import SystemPackage

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON object on standard output instead of text.")
  var json = false

  @Option(
    name: .customLong("threads"),
    help: ArgumentHelp("Threads to use (default: all cores).", valueName: "n")
  )
  var requestedThreads: Int?

  @Option(help: ArgumentHelp("Seed of everything that is drawn at random.", valueName: "n"))
  var seed: UInt64 = 0

  @Flag(help: "Replace an output that exists.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "Folder for work files (default: beside the output).",
      valueName: "folder"
    ),
    completion: .directory
  )
  var workDirectory: String?

  func validate() throws {
    if let requestedThreads, !(1...1024).contains(requestedThreads) {
      throw ValidationError("--threads takes a number from 1 to 1024, not \(requestedThreads)")
    }
  }

  /// Threads to use. Not an option's default, since help and man page would differ by machine.
  var threads: Int { requestedThreads ?? CommonOptions.processorCount }

  /// Where work files go: the folder that was named, or the output's own.
  func workFolder(beside output: FilePath) -> FilePath {
    workDirectory.map { FilePath($0) } ?? FileSystem.folder(of: output)
  }

  /// Names of the work files of a run that writes `output`.
  func workFiles(of output: FilePath) -> WorkFiles {
    WorkFiles(of: output, in: workFolder(beside: output))
  }

  /// Refuses a folder for work files that is not there.
  func requireWorkDirectory() throws {
    guard let workDirectory, !FileSystem.isDirectory(FilePath(workDirectory)) else { return }
    throw StorageError.missingFolder(path: FilePath(workDirectory))
  }

  private static var processorCount: Int {
    max(1, min(1024, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
  }
}
