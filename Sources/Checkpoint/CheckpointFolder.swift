internal import Safetensors
internal import Storage
public import SystemPackage

/// Which files of a folder are its weights.
///
/// In order: `model.safetensors.index.json` and the shards it names; `model.safetensors`; the only
/// other index there is; all `model*.safetensors`; all `*.safetensors` but `consolidated*`, which
/// are Mistral's second copy of the same weights.
public struct CheckpointFolder: Sendable {
  /// The folder.
  public let path: FilePath
  /// The index file, if there is one.
  public let indexPath: FilePath?
  /// The weights, where there is no index.
  public let weightPaths: [FilePath]

  /// Looks for weights in `path`.
  public init(_ path: FilePath) throws {
    self.path = path
    let names = try FileSystem.names(in: path)
    let indices = names.filter { $0.hasSuffix(".safetensors.index.json") }
    let weights = names.filter { $0.hasSuffix(".safetensors") && !$0.hasPrefix(".") }
    if indices.contains("model.safetensors.index.json") {
      indexPath = path.appending("model.safetensors.index.json")
      weightPaths = []
      return
    }
    if weights.contains("model.safetensors") {
      indexPath = nil
      weightPaths = [path.appending("model.safetensors")]
      return
    }
    if indices.count == 1 {
      indexPath = path.appending(indices[0])
      weightPaths = []
      return
    }
    indexPath = nil
    let models = weights.filter { $0.hasPrefix("model") }
    let others = weights.filter { !$0.hasPrefix("consolidated") }
    let chosen = models.isEmpty ? (others.isEmpty ? weights : others) : models
    guard !chosen.isEmpty else {
      let pickles = [".bin", ".pt", ".pth", ".ckpt"]
      if let pickle = names.first(where: { name in pickles.contains { name.hasSuffix($0) } }) {
        throw CheckpointError.pickleOnly(path: path, example: pickle)
      }
      if let file = names.first(where: { $0.hasSuffix(".gguf") }) {
        throw CheckpointError.notAModel(
          path: path,
          reason: "holds GGUF files and no .safetensors file; name the file itself:"
            + " \(path.appending(file))"
        )
      }
      throw CheckpointError.notAModel(
        path: path,
        reason: "holds no .safetensors file; is this the folder of a checkpoint?"
      )
    }
    weightPaths = chosen.map { path.appending($0) }
  }

  /// Opens the weights.
  func open() throws -> SafetensorsCollection {
    if let indexPath {
      return try SafetensorsCollection(index: try SafetensorsIndex(reading: indexPath))
    }
    return try SafetensorsCollection(paths: weightPaths, index: nil)
  }
}
