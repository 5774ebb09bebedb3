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
  ///   - gathersImportance: Whether it makes an importance matrix, too.
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
    gathersImportance: Bool = false,
    clock: StageClock
  ) throws -> (planner: Planner, estimate: Int) {
    try OptionCheck(checkpoint, options).run()
    let c = try checkpoint.requireConfiguration()
    let largestTensor = checkpoint.largestTensorBytes
    func footprint(_ threads: Int) -> PipelineFootprint {
      PipelineFootprint(
        c,
        options: options,
        tokens: stream.ids.count,
        context: stream.context,
        threads: threads,
        tensors: checkpoint.tensors.count,
        largestTensor: largestTensor,
        gathersImportance: gathersImportance
      )
    }
    // Parsed, a journal takes several times its bytes.
    let journal = 8 * (FileSystem.byteCount(files.journal) ?? 0)
    // Streams in memory are given up first, then workers.
    var (spools, threads) = (false, common.threads)
    func estimated() -> Int { footprint(threads).byteCount(stages, spools: spools) + journal }
    if let memory, estimated() > memory.bytes { spools = true }
    while let memory, estimated() > memory.bytes, threads > 1 { threads -= 1 }
    let estimate = estimated()
    try MemoryPromise.check(
      memory,
      estimate: estimate,
      remedy: footprint(threads).largest(of: stages, spools: spools)?.remedy
    )
    if threads < common.threads { Console.note("--memory: working with \(threads) of its threads") }
    let planner = try Planner(
      checkpoint,
      stream: stream,
      options: options,
      threads: threads,
      spoolFolder: spools ? files.folder : nil,
      observer: clock
    )
    return (planner, estimate)
  }
}
