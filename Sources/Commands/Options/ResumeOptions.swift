internal import ArgumentParser
internal import Compression
internal import JSON
internal import Storage
internal import SystemPackage

/// What becomes of an unfinished run of the same output; Formats/journal.md.
struct ResumeOptions: ParsableArguments {
  @Flag(help: "Begin anew where an unfinished run left work files.")
  var restart = false

  @Flag(help: "Give an unfinished run up: remove its work files and do nothing else.")
  var discard = false

  func validate() throws {
    if restart, discard { throw ValidationError("--restart and --discard exclude each other") }
  }

  /// Removes the work files of an unfinished run.
  func discard(_ files: WorkFiles) throws {
    let name = SafeText.shown(files.output.string)
    guard FileSystem.exists(files.journal) else {
      Console.note("\(name): there is no unfinished run")
      return
    }
    ResumeOptions.remove(files, try Journal(files.journal))
    Console.note("\(name): the unfinished run is given up, its work files are removed")
  }

  /// Whether an unfinished run has its result in place, or all but: then that is no other's output.
  func isPlacing(_ files: WorkFiles) throws -> Bool {
    guard !restart, FileSystem.exists(files.journal) else { return false }
    let journal = try Journal(files.journal)
    return journal.last(CompressionOutput.placing) != nil
  }

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
    } catch let error as StorageError where error.isPassing {
      Console.note("\(SafeText.shown(files.output.string)): the work so far is kept; \(words)")
      throw error
    } catch {
      ResumeOptions.remove(files, journal)
      throw error
    }
  }

  private func open(_ files: WorkFiles, _ identity: JSONObject) throws -> Journal {
    let journal = try Journal(files.journal)
    if let found = journal.identity, !restart {
      try OtherRun.check(found, identity, files)
      Console.note("\(SafeText.shown(files.output.string)): going on with the unfinished run")
      return journal
    }
    files.remove()
    if journal.identity != nil { try journal.clear() }
    try journal.begin(identity)
    return journal
  }

  private static func remove(_ files: WorkFiles, _ journal: Journal) {
    files.remove()
    journal.remove()
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
