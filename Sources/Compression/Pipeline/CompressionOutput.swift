internal import JSON
internal import Pack
internal import Storage
internal import SystemPackage

/// The pack being written, and what the journal knows of it.
final class CompressionOutput {
  /// The pack.
  let writer: PackWriter
  private let destination: FilePath
  private let journal: Journal?
  private let done: [Place: [FactoredMatrix?]]

  private struct Place: Hashable {
    var layer: Int
    var expert: Int
  }

  /// Starts the pack, or goes on with the one `journal` tells of.
  init(_ destination: FilePath, threads: Int, journal: Journal?) throws {
    self.destination = destination
    self.journal = journal
    let records = journal?.take("parts")
    writer = try PackWriter(replacing: destination, threads: threads, resuming: records)
    var done: [Place: [FactoredMatrix?]] = [:]
    for expert in (records ?? []).compactMap({ $0["expert"] }) {
      guard let layer = expert["layer"]?.integer, let number = expert["expert"]?.integer else {
        continue
      }
      done[Place(layer: layer, expert: number)] = (expert["matrices"]?.array ?? []).map { matrix in
        FactoringRecord(json: matrix).map { FactoredMatrix(record: $0, left: [], right: []) }
      }
    }
    self.done = done
  }

  /// Where the journal is, for errors.
  var journalPath: FilePath { journal?.path ?? destination }

  /// The factors of an expert that an earlier run has written, without their bytes; nil if it has
  /// not.
  func finished(layer: Int, expert: Int) -> [FactoredMatrix?]? {
    done[Place(layer: layer, expert: expert)]
  }

  /// Syncs the pack and records the parts that came since the last call.
  func vouch() throws {
    guard let journal, let record = try writer.checkpoint() else { return }
    try journal.append("parts", record)
  }

  /// The same with an expert that is finished with them.
  func vouch(layer: Int, expert: Int, _ factors: [FactoredMatrix?]) throws {
    guard let journal, case .object(var record)? = try writer.checkpoint() else { return }
    record["expert"] = [
      "layer": JSONValue(layer), "expert": JSONValue(expert),
      "matrices": .array(factors.map { $0?.record.json ?? .null }),
    ]
    try journal.append("parts", .object(record))
  }
}
