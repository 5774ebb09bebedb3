public import SystemPackage

/// A reason a model cannot be opened, or cannot be used for what was asked.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
  /// Nothing is at the path.
  case notFound(path: String)
  /// The path looks like a model's name on the hub.
  case hubName(name: String)
  /// Neither a checkpoint folder nor a file of a known format.
  case notAModel(path: FilePath, reason: String)
  /// A folder with pickled weights only.
  case pickleOnly(path: FilePath, example: String)
  /// A hub cache folder without a usable snapshot.
  case emptyCache(path: FilePath)
  /// `config.json` has a value that cannot be.
  case configuration(file: String, key: String, got: String, expected: String)
  /// `config.json` or another text file does not parse.
  case malformedFile(file: String, reason: String)
  /// Tensors of a GGUF file do not make the experts that its keys name.
  case brokenExperts(path: FilePath, reason: String)
  /// The family is not one that can be run.
  case unsupported(path: FilePath, reason: String)
  /// Tensors that the configuration promises are not there.
  case missingTensors(path: FilePath, names: [String], count: Int)
  /// A tensor has another shape than the configuration says.
  case wrongShape(path: FilePath, tensor: String, expected: [Int], got: [Int])
  /// A tensor that is used has a type that cannot be computed with.
  case wrongType(path: FilePath, tensor: String, reason: String)
  /// Tensors that nothing explains.
  case unexplainedTensors(path: FilePath, names: [String], count: Int)
  /// A tensor scales another, whose values would be wrong without it.
  case scaledWeights(path: FilePath, scale: String, weights: String)
  /// A value is not a finite number; `element` is its place along each axis, where it is known.
  case notFinite(path: FilePath, tensor: String, element: [Int]? = nil)
  /// Output and embedding are tied, yet differ.
  case tiedOutputDiffers(path: FilePath)

  /// What is wrong, where, and what helps.
  public var description: String {
    switch self {
    case .notFound(let path): return "\(path): no such file or directory"
    case .hubName(let name):
      let folder = name.split(separator: "/").last.map(String.init) ?? name
      return
        "\(name): no such file or directory; if this is a model on the Hugging Face Hub, fetch it"
        + " first: hf download \(name) --local-dir \(folder)"
    case .notAModel(let path, let reason): return "\(path): \(reason)"
    case .pickleOnly(let path, let example):
      return
        "\(path): holds pickled weights only (\(example)), which can run code when opened and are"
        + " never read; convert them to safetensors first"
    case .emptyCache(let path):
      return "\(path): a hub cache folder without a complete snapshot; download the model again"
    case .configuration(let file, let key, let got, let expected):
      return "\(file): '\(key)' \(got); \(expected)"
    case .malformedFile(let file, let reason): return "\(file): \(reason)"
    case .brokenExperts(let path, let reason):
      return "\(path): \(reason); is the file damaged? convert it again"
    case .unsupported(let path, let reason): return "\(path): \(reason)"
    case .missingTensors(let path, let names, let count):
      return "\(path): \(count) tensor\(count == 1 ? "" : "s") that the configuration calls for "
        + "\(count == 1 ? "is" : "are") missing, first \(names.joined(separator: ", ")); is the"
        + " download complete?"
    case .wrongShape(let path, let tensor, let expected, let got):
      return "\(path): tensor '\(tensor)' has shape \(got), the configuration calls for"
        + " \(expected); do weights and configuration belong together?"
    case .wrongType(let path, let tensor, let reason):
      return "\(path): tensor '\(tensor)': \(reason)"
    case .unexplainedTensors(let path, let names, let count):
      return "\(path): \(count) tensor\(count == 1 ? "" : "s") with no role in this family, first "
        + "\(names.joined(separator: ", ")); if they are not used in the forward pass, name them with"
        + " --ignore REGEX"
    case .scaledWeights(let path, let scale, let weights):
      return
        "\(path): tensor '\(scale)' scales '\(weights)', which this version does not apply, and"
        + " without it the values are wrong; convert the checkpoint to BF16 first, for example by"
        + " loading it with transformers (dequantize) and saving it again"
    case .notFinite(let path, let tensor, let element):
      return "\(path): tensor '\(tensor)' holds a value that is not a finite number"
        + "\(element.map { ", at \($0)" } ?? ""); the file is damaged, or was saved from a broken"
        + " training run"
    case .tiedOutputDiffers(let path):
      return "\(path): tie_word_embeddings is true, yet lm_head.weight differs from the embedding"
    }
  }
}
