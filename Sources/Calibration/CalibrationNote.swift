package import JSON

/// What a journal notes of a layer that calibration has done: the checksum of its statistics, and of
/// its entries of the importance matrix where one is made; Formats/journal.md.
package struct CalibrationNote: Equatable {
  /// The XXH64 of the statistics; nil for a layer without experts.
  package var statistics: UInt64?
  /// What ``ImportanceRecord`` noted; nil where no importance matrix is made.
  package var importance: JSONValue?

  /// A note.
  package init(statistics: UInt64?, importance: JSONValue?) {
    self.statistics = statistics
    self.importance = importance
  }

  /// The note that `json` says.
  package init(json: JSONValue) {
    let digits = json.object == nil ? json : json["statistics"]
    statistics = digits?.string.flatMap { UInt64($0, radix: 16) }
    importance = json["importance"]
  }

  /// The checksum alone, or an object of both.
  package var json: JSONValue {
    let digits = JSONValue(statistics.map { String($0, radix: 16) })
    guard let importance else { return digits }
    return ["statistics": digits, "importance": importance]
  }
}
