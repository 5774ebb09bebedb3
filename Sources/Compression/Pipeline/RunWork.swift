internal import Inference
package import JSON
package import Storage

/// The journal and the work files of a run that can be gone on with; Formats/journal.md.
package struct RunWork {
  /// What is done.
  package let journal: Journal
  /// Where the rest is.
  package let files: WorkFiles

  /// The work of the run whose journal is open.
  package init(_ journal: Journal, _ files: WorkFiles) {
    self.journal = journal
    self.files = files
  }

  /// The record of a pass.
  func pass(_ name: String) throws -> PassRecord {
    try PassRecord(name, in: journal, streams: files.stream)
  }

  /// What was recorded under `key`, or what `make` gives, recorded.
  package func once(_ key: String, _ make: () throws -> JSONValue) throws -> JSONValue {
    if let value = journal.last(key) { return value }
    let value = try make()
    try journal.append(key, value)
    return value
  }
}
