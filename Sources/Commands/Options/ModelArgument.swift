internal import ArgumentParser
internal import Checkpoint

/// The model a command works on.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A checkpoint folder, a .safetensors or a .moepack file.",
      valueName: "model"
    ),
    completion: .file(extensions: ["safetensors", "moepack"])
  )
  var model: String

  /// Opens the model and says what is odd about it.
  func open() throws -> Checkpoint {
    let checkpoint = try Checkpoint(model)
    for warning in checkpoint.warnings { Console.warn(warning) }
    return checkpoint
  }
}
