internal import ArgumentParser
internal import GGUF
internal import SystemPackage

/// The GGUF model a command works on.
struct GGUFArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp("A GGUF file, or any of a model's splits.", valueName: "gguf"),
    completion: .file(extensions: ["gguf"])
  )
  var model: String

  /// Opens the model, all its splits, and says what is odd about it.
  func open() throws -> GGUFCollection {
    let model = try GGUFCollection(FilePath(model))
    for warning in model.warnings { Console.warn(warning) }
    return model
  }
}

/// How large the files of a GGUF model may be.
struct SplitLimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Most bytes of tensors in a split; a larger tensor gets one of its own.",
      valueName: "size"
    )
  )
  var splitMaxSize: ByteSize?

  @Option(help: ArgumentHelp("Most tensors in a split.", valueName: "n"))
  var splitMaxTensors: Int?

  func validate() throws {
    if let splitMaxTensors, splitMaxTensors < 1 {
      throw ValidationError("--split-max-tensors takes a number from 1, not \(splitMaxTensors)")
    }
  }

  /// Whether there is a limit.
  var isGiven: Bool { splitMaxSize != nil || splitMaxTensors != nil }

  /// The limits, for the writer.
  func limits(isFirstEmpty: Bool = false) -> GGUFShardPlan.Limits {
    GGUFShardPlan.Limits(
      bytes: splitMaxSize?.bytes,
      tensors: splitMaxTensors,
      isFirstEmpty: isFirstEmpty
    )
  }
}

extension OutputOptions {
  /// Refuses, as misuse, names that no GGUF model as a whole should have.
  func requireGGUFName() throws {
    guard output.hasSuffix(".gguf") else {
      throw ValidationError("the output is GGUF, so its name must end in .gguf: '\(output)'")
    }
    try requireNoNameOfSplit()
  }

  /// Refuses, as misuse, the name of one split: the writer makes such names itself.
  func requireNoNameOfSplit() throws {
    if GGUFShardPlan.isNameOfSplit(FilePath(output)) {
      throw ValidationError(
        "'\(output)' is the name of one split; give the name without the numbers"
      )
    }
  }
}
