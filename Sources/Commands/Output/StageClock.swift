internal import Compression
internal import JSON

/// Shows each stage of the pipeline and keeps its seconds.
final class StageClock: PipelineObserver {
  private(set) var seconds: [(stage: String, seconds: Double)] = []

  func stage(_ name: String, total: Int, _ body: (() -> Void) throws -> Void) throws {
    let line = ProgressLine(name, total: total, unit: .items("layers"))
    try body { line.advance(1) }
    seconds.append((name, line.finish()))
  }

  /// Seconds by stage.
  var json: JSONValue {
    var object = JSONObject()
    for (stage, value) in seconds { object[stage] = JSONValue((value * 1000).rounded() / 1000) }
    return .object(object)
  }
}
