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

  /// Whether a tensor may be left aside.
  func isIgnored(_ name: String) -> Bool { ignore?.matches(name) ?? false }

  /// Refuses a model with missing or unexplained tensors.
  func requireComplete(_ checkpoint: Checkpoint) throws {
    try checkpoint.requireComplete(ignoring: isIgnored)
  }

  /// Checks the options, estimates the peak, and makes a planner that keeps within `--memory`.
  ///
  /// - Parameters:
  ///   - checkpoint: The source.
  ///   - stream: The calibration tokens.
  ///   - options: The choices of the method.
  ///   - common: Threads.
  ///   - files: The run's work files.
  ///   - stages: What the run does.
  ///   - clock: Told how far the run is.
  /// - Returns: The planner, and the bytes of memory the run will not exceed.
  /// - Throws: `PlanError` for options the model cannot have, ``MemoryPromise/Exceeded`` if the
  ///   promise cannot be kept.
  func planner(
    _ checkpoint: Checkpoint,
    _ stream: TokenStream,
    _ options: MethodOptions,
    _ common: CommonOptions,
    _ files: WorkFiles,
    stages: Set<PipelineFootprint.Stage>,
    clock: StageClock
  ) throws -> (planner: Planner, estimate: Int) {
    try OptionCheck(checkpoint, options).run()
    let footprint = PipelineFootprint(
      try checkpoint.requireConfiguration(),
      options: options,
      tokens: stream.ids.count,
      context: stream.context,
      threads: common.threads,
      tensors: checkpoint.tensors.count
    )
    // Spooling is the one thing that can be given up.
    var spools = false
    if let memory { spools = footprint.byteCount(stages, spools: false) > memory.bytes }
    let estimate = footprint.byteCount(stages, spools: spools)
    try MemoryPromise.check(memory, estimate: estimate)
    let planner = try Planner(
      checkpoint,
      stream: stream,
      options: options,
      threads: common.threads,
      spoolFolder: spools ? files.folder : nil,
      observer: clock
    )
    return (planner, estimate)
  }
}
