package import JSON
package import Storage
package import SystemPackage

/// Records in a journal how far a pass is, with the residual streams it goes on from.
package final class PassRecord {
  private let journal: Journal
  private let key: String
  private let checkpoint: StreamCheckpoint
  private let last: JSONValue?
  /// Notes of the steps that are done, in their order.
  package let notes: [JSONValue]

  /// The record of one pass.
  ///
  /// - Parameters:
  ///   - name: What the journal calls the pass.
  ///   - journal: The run's journal.
  ///   - streamPath: The file of the run's streams; passes use it one after another.
  /// - Throws: `StorageError` if the stream file cannot be opened.
  package init(_ name: String, in journal: Journal, streams streamPath: FilePath) throws {
    self.journal = journal
    key = "pass." + name
    checkpoint = try StreamCheckpoint(streamPath)
    let found = journal.all(key)
    last = found.last
    notes = found.map { $0["note"] ?? .null }
  }

  /// The first step that is not done.
  package var nextStep: Int { (last?["step"]?.integer ?? -1) + 1 }

  /// Takes `streams` to where they were behind the last finished step.
  package func restore(_ streams: [HiddenStream]) throws {
    guard let slot = last?["slot"]?.integer,
      let checksum = last?["checksum"]?.string.flatMap({ UInt64($0, radix: 16) })
    else { return }
    try checkpoint.restore(streams, slot: slot, checksum: checksum)
  }

  /// Records a step as done.
  ///
  /// - Parameters:
  ///   - step: Its number; steps follow one another.
  ///   - streams: The streams behind it.
  ///   - note: What came of the step and is needed to go on.
  /// - Throws: `StorageError` if a file cannot be written or synced.
  package func finish(_ step: Int, _ streams: [HiddenStream], note: JSONValue) throws {
    let slot = step % 2
    let checksum = try checkpoint.save(streams, slot: slot)
    try journal.append(
      key,
      [
        "step": JSONValue(step), "slot": JSONValue(slot),
        "checksum": .string(String(checksum, radix: 16)), "note": note,
      ]
    )
  }
}
