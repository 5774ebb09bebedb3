import JSON
import SystemPackage
import Tensors
import Testing
import TestSupport

@testable import Checkpoint

/// Writes tiny models and opens them.
struct ModelFolder {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Writes `model` and opens it.
  func open(_ model: TinyModel, shards: Int = 1) throws -> Checkpoint {
    try model.write(to: folder, at: "model", shards: shards)
    return try Checkpoint(folder("model").string)
  }

  /// Opens a model whose configuration is wrong and expects the key to be named.
  func expectRefused(
    _ key: String,
    _ model: TinyModel,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let checkpoint = try open(model)
    #expect(checkpoint.configuration == nil, sourceLocation: sourceLocation)
    guard case .configuration(let file, key, _, _) = checkpoint.problem else {
      Issue.record(
        "another problem: \(String(describing: checkpoint.problem))",
        sourceLocation: sourceLocation
      )
      return
    }
    #expect(file == folder("model/config.json").string, sourceLocation: sourceLocation)
    #expect(throws: CheckpointError.self, sourceLocation: sourceLocation) {
      try checkpoint.requireComplete()
    }
  }

  /// Opens a model and expects its configuration to be as `check` wants it.
  func configuration(_ model: TinyModel) throws -> ModelConfiguration {
    let checkpoint = try open(model)
    return try checkpoint.requireConfiguration()
  }
}

extension TinyModel {
  /// A copy with keys set; nil removes one.
  func with(_ changes: [(String, JSONValue?)]) -> TinyModel {
    var model = self
    for (key, value) in changes { model.set(key, value) }
    return model
  }
}
