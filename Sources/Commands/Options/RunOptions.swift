internal import ArgumentParser
internal import Checkpoint
internal import Compression
internal import Evaluation
internal import Storage
internal import SystemPackage

/// How a run of calibrate, plan or compress is carried out; none of it changes a result.
struct RunOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Most memory to use.", valueName: "size"))
  var memory: ByteSize?

  @Flag(help: "Check everything, show sizes and peak memory, and write nothing.")
  var dryRun = false

  @Option(
    help: ArgumentHelp(
      "Tensors without a role whose name matches are copied and not used.",
      valueName: "regex"
    )
  )
  var ignore: RegexArgument?

  /// What a run goes by.
  struct Setting {
    /// Bytes it will not exceed.
    var estimate: Int
    /// Where streams are spooled; nil keeps them in memory.
    var spoolFolder: FilePath?
  }

  /// Whether a tensor may be left aside.
  func isIgnored(_ name: String) -> Bool { ignore?.matches(name) ?? false }

  /// Refuses a model with missing or unexplained tensors.
  func requireComplete(_ checkpoint: Checkpoint) throws {
    try checkpoint.requireComplete(ignoring: isIgnored)
  }

  /// Estimates the peak, spools if that keeps the promise, and refuses what cannot be kept.
  func setting(
    _ checkpoint: Checkpoint,
    _ stream: TokenStream,
    _ options: MethodOptions,
    _ common: CommonOptions,
    output: FilePath,
    stages: Set<PipelineFootprint.Stage>
  ) throws -> Setting {
    try OptionCheck(checkpoint, options).run()
    let footprint = PipelineFootprint(
      try checkpoint.requireConfiguration(),
      options: options,
      tokens: stream.ids.count,
      context: stream.context,
      threads: common.threads,
      tensors: checkpoint.tensors.count
    )
    var setting = Setting(estimate: footprint.byteCount(stages, spools: false), spoolFolder: nil)
    if let memory, setting.estimate > memory.bytes {
      setting = Setting(
        estimate: footprint.byteCount(stages, spools: true),
        spoolFolder: common.workFolder(beside: output)
      )
    }
    try MemoryPromise.check(memory, estimate: setting.estimate)
    return setting
  }
}
