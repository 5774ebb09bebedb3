internal import ArgumentParser
internal import GGUF
internal import SystemPackage

/// `moepack merge`.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Join the splits of a GGUF model into one file.",
    discussion: """
      Any split names the model; the others lie beside it. The keys that say how the model was \
      split are left out, so that a model that was split and merged is the file it was. Tensors \
      are copied byte for byte, in constant memory. An interrupted run leaves nothing behind and \
      cannot be gone on with.
      """
  )

  @OptionGroup var input: GGUFArgument
  @OptionGroup var destination: OutputOptions
  @OptionGroup var common: CommonOptions

  @Flag(help: "Say what would be written, and write nothing.")
  var dryRun = false

  func validate() throws { try destination.requireGGUFName() }

  func run() throws {
    let rewriting = GGUFRewriting(
      command: "merge",
      destination: destination,
      common: common,
      isDryRun: dryRun
    )
    let source = try input.open()
    // A file that llama.cpp's tool merged has a count of 0.
    guard source.files.count > 1 || source.files[0].metadata["split.count"]?.integer == 1 else {
      throw NotSplit(path: source.files[0].path)
    }
    try rewriting.run(source)
  }

  /// There is nothing to join.
  struct NotSplit: Error, CustomStringConvertible {
    let path: FilePath

    var description: String {
      "\(path): is one whole file, not a split, so there is nothing to merge; use it as it is"
    }
  }
}
