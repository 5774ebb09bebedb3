import Calibration
import Checkpoint
import Compression
import Evaluation
import Fixtures
import Inference
import JSON
import Storage
import SystemPackage

/// A model with the numbers that PyTorch made of the method on it (oracles/method/MODEL.json).
struct MethodOracle {
  let name: String
  let json: JSONValue
  let checkpoint: Checkpoint
  let stream: TokenStream

  /// The oracle of `name`; nil, with a line that says so, where model or numbers are not at hand.
  init?(_ name: String) throws {
    guard let model = Fixtures.find("models/\(name)"),
      let numbers = Fixtures.find("oracles/method/\(name).json")
    else {
      print("SKIPPED: \(name) is neither in Fixtures nor in ../shared")
      return nil
    }
    self.name = name
    json = try JSONValue(parsing: try FileSystem.contents(of: FilePath(numbers)))
    checkpoint = try Checkpoint(model)
    stream = try TokenStream(
      .file(FilePath(Fixtures.path("text/calibration.jsonl"))),
      for: checkpoint,
      context: 512,
      limit: 8192
    )
  }

  /// The oracle's options: uniform, a quarter pruned, every token searched.
  static var options: MethodOptions {
    var options = MethodOptions()
    options.allocation = .uniform
    options.searchTokens = nil
    options.factoring = .svd
    options.factorType = "F32"
    return options
  }

  func planner(_ options: MethodOptions = MethodOracle.options) throws -> Planner {
    try Planner(
      checkpoint,
      stream: stream,
      options: options,
      threads: 2,
      spoolFolder: nil,
      observer: QuietObserver()
    )
  }

  /// Calls `body` with the statistics of the model.
  func withStatistics<Value>(
    _ planner: Planner,
    _ body: (StatisticsReader) throws -> Value
  ) throws -> Value {
    let path = FilePath("/tmp/moepack-test-\(name)-\(UInt64.random(in: 0..<1 << 60)).safetensors")
    defer { FileSystem.removeTree(path) }
    try planner.calibrate(to: path, tool: "test")
    return try body(try StatisticsReader(path))
  }

  func numbers(_ value: JSONValue?) -> [Double] { (value?.array ?? []).compactMap(\.double) }
  func integers(_ value: JSONValue?) -> [Int] { (value?.array ?? []).compactMap(\.integer) }
  var layers: [Int] { integers(json["moe_layers"]) }
}

/// Shows nothing.
final class QuietObserver: PipelineObserver {
  func stage(_ name: String, total: Int, _ body: (() -> Void) throws -> Void) throws {
    try body {}
  }
}

/// The tolerance of oracles/README.md for sums and errors, with room for an expert without tokens,
/// whose error the oracle gives as a rounding residue instead of zero.
func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-5) -> Bool {
  abs(a - b) <= tolerance * abs(b) + 1e-12
}
