internal import Calibration
internal import Checkpoint
internal import Compression
internal import Storage
internal import SystemPackage

/// Statistics that were given, or that are measured first and thrown away.
struct StatisticsSource {
  private let given: FilePath?
  private let temporary: FilePath

  init(given: FilePath?, in folder: FilePath, for output: FilePath) {
    self.given = given
    temporary = folder.appending((output.lastComponent?.string ?? "") + ".partial-statistics")
  }

  /// Refuses statistics of another model or text, before anything is computed.
  func check(_ planner: Planner) throws {
    guard let given else { return }
    try StatisticsReader(given).check(planner.statisticsMetadata)
  }

  /// Calls `body` with a reader of the statistics, or nil if none are needed.
  func withReader<Value>(
    _ planner: Planner,
    _ body: (StatisticsReader?) throws -> Value
  ) throws -> Value {
    if let given { return try body(try StatisticsReader(given)) }
    guard planner.options.prune > 0 else { return try body(nil) }
    defer { FileSystem.removeTree(temporary) }
    try planner.calibrate(to: temporary, tool: Version.tool)
    return try body(try StatisticsReader(temporary))
  }
}
