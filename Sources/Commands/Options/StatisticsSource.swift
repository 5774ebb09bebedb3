internal import Calibration
internal import Checkpoint
internal import Compression
internal import Storage
internal import SystemPackage

/// Statistics that were given, or that are measured first and are a work file of the run.
struct StatisticsSource {
  let given: FilePath?

  /// Refuses statistics of another model or text, before anything is computed.
  func check(_ planner: Planner) throws {
    guard let given else { return }
    try StatisticsReader(given).check(planner.statisticsMetadata)
  }

  /// A reader of the statistics, or nil if none are needed.
  func reader(_ planner: Planner, _ files: WorkFiles) throws -> StatisticsReader? {
    if let given { return try StatisticsReader(given) }
    guard planner.options.prune > 0 else { return nil }
    try planner.calibrate(to: files.statistics, tool: Version.tool)
    return try StatisticsReader(files.statistics)
  }
}
