internal import ArgumentParser

/// `moepack split`.
struct SplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split",
    abstract: "Cut a GGUF model into several files.",
    discussion: """
      Splits are made as llama.cpp's gguf-split makes them and named after the output, \
      NAME-00001-of-00003.gguf; the first has all keys. A model within the limits stays one file, \
      under the output's own name. A model that is split already is split anew. Tensors are copied \
      byte for byte, in constant memory. An interrupted run leaves nothing behind and cannot be \
      gone on with.
      """
  )

  @OptionGroup var input: GGUFArgument
  @OptionGroup var destination: OutputOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var split: SplitLimitOptions

  @Flag(help: "Put all keys and no tensor into the first split.")
  var noTensorFirstSplit = false

  @Flag(help: "Say what would be written, and write nothing.")
  var dryRun = false

  func validate() throws {
    try destination.requireGGUFName()
    guard split.isGiven || noTensorFirstSplit else {
      throw ValidationError("give --split-max-size, --split-max-tensors, or both")
    }
  }

  func run() throws {
    let rewriting = GGUFRewriting(
      command: "split",
      destination: destination,
      common: common,
      isDryRun: dryRun
    )
    try rewriting.run(
      try input.open(),
      limits: split.limits(isFirstEmpty: noTensorFirstSplit)
    )
  }
}
