import Glibc
import JSON

/// Where everything is, and how much of it is to be measured.
struct Bench {
  /// The program that is measured.
  let tool: String
  /// Folder of the built workers.
  let programs: String
  /// Folder of models, outputs and results.
  let work: String
  /// Python with the peers' packages.
  let python: String
  let isQuick: Bool

  /// Folder of the peers' scripts, from the folder that `make` runs in.
  private let scripts = "Tests/Benchmarks/peers"

  /// Rounds of what takes a second or so.
  var rounds: Int { isQuick ? 3 : 7 }
  /// Rounds of what takes a minute.
  var longRounds: Int { isQuick ? 1 : 3 }

  /// A worker of ours.
  func worker(_ name: String, _ arguments: [String] = []) throws -> Worker {
    try Worker([programs + "/" + name] + arguments, log: "\(work)/\(name).err")
  }

  /// What stands in a row whose peer is missing.
  static let missing = "not installed"

  /// A peer, or nil if its packages are not installed.
  func peer(_ script: String, _ arguments: [String]) throws -> Worker? {
    guard access(python, X_OK) == 0 else { return nil }
    let command = [python, "\(scripts)/\(script).py"] + arguments
    do {
      return try Worker(command, log: "\(work)/\(script)-peer.err")
    } catch let failure as Failure where failure.description.contains("ModuleNotFoundError") {
      return nil
    }
  }

  /// Runs the tool.
  func runTool(_ arguments: [String]) throws -> Cost {
    try run([tool] + arguments, log: work + "/log")
  }

  /// Folder of a checkpoint with the shapes of Qwen1.5-MoE-A2.7B, made unless it is there.
  ///
  /// The vocabulary is cut like the layers: two of 24 layers with a twelfth of the 151,936 rows, so
  /// that the head has the share of the work that it has in the whole model.
  func model(layers: Int) throws -> String {
    let folder = "\(work)/model-\(layers)"
    if fileSize(folder + "/ids.json") == 0 {
      let vocabulary = 151_936 * layers / 24 / 64 * 64
      _ = try run(
        [
          programs + "/make-synthetic", folder, "--layers", String(layers), "--vocab",
          String(vocabulary),
        ],
        log: work + "/log"
      )
    }
    return folder
  }

  /// The one file of weights of a model that is small enough to have one.
  func weights(of model: String) -> String { model + "/model.safetensors" }
}
