internal import ArgumentParser
internal import Checkpoint
internal import SystemPackage

/// The model a command works on.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A checkpoint folder, a .safetensors, .gguf or .moepack file.",
      valueName: "model"
    ),
    completion: .file(extensions: ["safetensors", "gguf", "moepack"])
  )
  var model: String

  /// Opens the model, with an adapter if one is named, and says what is odd about it.
  func open(adapter: FilePath? = nil) throws -> Checkpoint {
    let checkpoint = try Checkpoint(model, adapter: adapter)
    for warning in checkpoint.warnings { Console.warn(warning) }
    return checkpoint
  }
}
