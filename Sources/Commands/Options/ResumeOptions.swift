internal import ArgumentParser
internal import Compression
internal import JSON
internal import Pack
internal import Storage
internal import SystemPackage
internal import Zstandard

/// What becomes of an unfinished run of the same output; Formats/journal.md.
struct ResumeOptions: ParsableArguments {
  @Flag(help: "Begin anew where an unfinished run left work files.")
  var restart = false

  @Flag(help: "Give an unfinished run up: remove its work files and do nothing else.")
  var discard = false

  func validate() throws {
    if restart, discard { throw ValidationError("--restart and --discard exclude each other") }
  }

  /// Removes the work files of an unfinished run and tells so, in JSON if that is wanted.
  func discard(_ files: WorkFiles, json: Bool, dryRun: Bool) throws {
    guard !dryRun else {
      throw ValidationError("--discard and --dry-run exclude each other")
    }
    let isThere = FileSystem.exists(files.journal)
    if isThere { ResumeOptions.remove(files, try Journal(files.journal)) }
    if json { Console.print(["discarded": .bool(isThere)]) }
    Console.note(
      "\(SafeText.shown(files.output.string)): "
        + (isThere
          ? "the unfinished run is given up, its work files are removed"
          : "there is no unfinished run")
    )
  }

  /// Outputs that an unfinished run has in place, or all but: they are no other's.
  func ownOutputs(_ files: WorkFiles) throws -> [FilePath] {
    guard !restart, FileSystem.exists(files.journal) else { return [] }
    let journal = try Journal(files.journal)
    // Statistics are a work file of all commands but calibrate.
    let isCalibration = journal.identity?["command"] == "calibrate"
    let key = isCalibration ? Planner.measured : PackWriter.placing
    guard journal.last(key) != nil else { return [] }
    let report = journal.last(ResumeOptions.report)?.string
    let second = journal.identity?[ResumeOptions.importance]?.string
    return [FileSystem.absolute(files.output)]
      + [report, second].compactMap { $0 }.map { FilePath($0) }
  }

  /// The journal's key for the report that a run is about to write.
  static let report = "report"

  /// The identity's key for the importance matrix that a run writes beside its output.
  static let importance = "imatrix"

  /// Runs `body` with a journal, going on with an unfinished run of the same identity.
  ///
  /// - Parameters:
  ///   - files: The run's work files.
  ///   - identity: What the output depends on.
  ///   - body: The run.
  /// - Returns: What `body` gives.
  /// - Throws: ``OtherRun`` if the unfinished run has another identity, and what `body` throws; work
  ///   files stay only after an error that may pass.
  func run<Value>(
    _ files: WorkFiles,
    identity: JSONObject,
    _ body: (RunWork) throws -> Value
  ) throws -> Value {
    let journal = try open(files, identity)
    let words = "to go on: \(Interruption.resumingLine)"
    Interruption.announce(words)
    defer { Interruption.announce(nil) }
    do {
      let value = try body(RunWork(journal, files))
      ResumeOptions.remove(files, journal)
      return value
    } catch  where ResumeOptions.isPassing(error) {
      Console.note("\(SafeText.shown(files.output.string)): the work so far is kept; \(words)")
      throw error
    } catch {
      ResumeOptions.remove(files, journal)
      throw error
    }
  }

  /// Whether what was done is worth keeping: the machine may recover, or `--restart` is to decide.
  private static func isPassing(_ error: any Error) -> Bool {
    switch error {
    case StorageError.lostWorkFile, StorageError.busy: true
    case let error as StorageError: error.isPassing
    case ZstandardError.library: true
    default: false
    }
  }

  private func open(_ files: WorkFiles, _ identity: JSONObject) throws -> Journal {
    let journal = try Journal(files.journal)
    guard restart || !journal.isForeign else { throw OtherJournal(path: files.journal) }
    if let found = journal.identity, !restart {
      try OtherRun.check(found, identity, files)
      Console.note("\(SafeText.shown(files.output.string)): going on with the unfinished run")
      return journal
    }
    // Emptied first, so that a journal never vouches for files that are gone.
    let old = ResumeOptions.files(of: journal, files)
    try journal.clear()
    old.forEach { $0.remove() }
    try journal.begin(identity)
    return journal
  }

  /// The run's work files, and those that its journal says lie elsewhere.
  private static func files(of journal: Journal, _ files: WorkFiles) -> [WorkFiles] {
    let folder = journal.identity?["work directory"]?.string.map { FilePath($0) }
    let second = journal.identity?[importance]?.string.map { FilePath($0) }
    guard folder != nil || second != nil else { return [files] }
    return [files, WorkFiles(of: files.output, in: folder ?? files.folder, second: second)]
  }

  private static func remove(_ files: WorkFiles, _ journal: Journal) {
    ResumeOptions.files(of: journal, files).forEach { $0.remove() }
    journal.remove()
  }

  /// What lies at the journal's name is not this version's.
  struct OtherJournal: Error, CustomStringConvertible {
    let path: FilePath

    var description: String {
      "\(path): is not a journal of this version of moepack; finish the run with the version that"
        + " began it, give --restart to begin anew, or --discard to give it up"
    }
  }

  /// Work files are of a run that would end with other bytes.
  struct OtherRun: Error, CustomStringConvertible {
    let path: FilePath
    let key: String
    let found: String
    let given: String

    var description: String {
      "\(path): an unfinished run had another \(key) (\(found), here \(given)); give the same to go"
        + " on, --restart to begin anew, or --discard to give it up"
    }

    /// Refuses an identity that differs from the one found.
    static func check(_ found: JSONObject, _ given: JSONObject, _ files: WorkFiles) throws {
      for (key, a, b) in differences(.object(found), .object(given), key: nil) {
        throw OtherRun(path: files.journal, key: key, found: a, given: b)
      }
    }

    /// Keys, dotted, under which two identities differ, with what they say.
    private static func differences(_ a: JSONValue?, _ b: JSONValue?, key: String?) -> [(
      String, String, String
    )] {
      if let a = a?.object, let b = b?.object {
        let keys = a.keys + b.keys.filter { a[$0] == nil }
        return keys.flatMap { name in
          differences(a[name], b[name], key: key.map { "\($0) \(name)" } ?? name)
        }
      }
      guard a != b else { return [] }
      func text(_ value: JSONValue?) -> String {
        value.map { $0.string ?? $0.text(pretty: false) } ?? "none"
      }
      return [(key ?? "identity", text(a), text(b))]
    }
  }
}
