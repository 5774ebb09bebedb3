internal import ArgumentParser
internal import Checkpoint
internal import Compression
internal import Evaluation
internal import JSON
internal import Storage
internal import SystemPackage

/// `moepack compress`, the main job.
struct CompressCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compress",
    abstract: "Compress a Mixture-of-Experts model into one .moepack file.",
    discussion: """
      Runs the whole of MoE-I2 (arXiv 2411.01016): measures every expert, prunes the least needed \
      sets, measures again, gives each expert left a rank, and streams the factors into a pack. \
      Memory is set by one layer's largest parts, not by the size of the model. \
      The paper's own setting is --prune 0.25 --average-rank 512 --factor svd on experts of 1408 x 2048.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var destination: OutputOptions

  @Option(
    help: ArgumentHelp(
      "Carry out this plan; the method's options come from it.",
      valueName: "file"
    ),
    completion: .file(extensions: ["json"])
  )
  var plan: String?

  @Flag(help: "Accept a plan made for other weights of the same shapes (a fine-tune).")
  var allowOtherWeights = false

  @Option(
    help: ArgumentHelp(
      "Measure perplexity before and after on this text: .txt or .jsonl.",
      valueName: "file"
    ),
    completion: .file(extensions: ["txt", "jsonl"])
  )
  var evaluate: String?

  @Option(
    help: ArgumentHelp(
      "Also write the report to a file: Markdown, or HTML if it ends in .html.",
      valueName: "file"
    ),
    completion: .file(extensions: ["md", "html"])
  )
  var report: String?

  @Flag(help: "Begin anew where an unfinished run left work files.")
  var restart = false

  @OptionGroup(title: "Calibration text") var text: CalibrationTextOptions
  @OptionGroup(title: "Stage one: pruning") var pruning: PruningOptions
  @OptionGroup(title: "Method") var method: MethodOptionGroup
  @OptionGroup var common: CommonOptions
  @OptionGroup(title: "Run") var conduct: RunOptions

  func validate() throws {
    if plan != nil {
      let given = (pruning.prune == nil ? [] : ["--prune"]) + pruning.given + method.given
      try refuse(given, because: "with --plan the method's options come from the plan")
    } else if allowOtherWeights {
      throw ValidationError("--allow-other-weights goes with --plan")
    }
    if pruning.prune == 0 { try method.refuseStageOne() }
    if ["gguf", "safetensors"].contains(FilePath(destination.output).extension ?? "") {
      throw ValidationError(
        "compress writes a .moepack; turn it into a folder with convert afterwards"
      )
    }
    if let report, !report.hasSuffix(".md"), !report.hasSuffix(".html") {
      throw ValidationError("--report takes a file that ends in .md or .html")
    }
  }

  func run() throws {
    let checkpoint = try input.open()
    try conduct.requireComplete(checkpoint)
    let others = [evaluate, plan].compactMap { $0.map { FilePath($0) } }
    let inputs = [FilePath(input.model)] + text.inputs + others
    let path = try destination.path(force: common.force, inputs: inputs, isFolder: false)
    try common.requireWorkDirectory()
    let reportPath = try report.map {
      try OutputOptions.check($0, force: common.force, inputs: inputs)
    }
    try OutputOptions.requireDistinct(path, reportPath)
    let stream = try text.stream(for: checkpoint)
    CalibrationTextOptions.warn("--search-tokens", pruning.searchTokens?.value, of: stream)
    CalibrationTextOptions.warn("--reception-tokens", method.receptionTokens, of: stream)
    let (options, given) = try self.options(checkpoint, stream)
    let evaluation = try evaluate.map {
      try TokenStream(
        .file(FilePath($0)),
        for: checkpoint,
        context: text.context,
        limit: nil
      )
    }
    let clock = StageClock()
    let stages: Set<PipelineFootprint.Stage> =
      given == nil ? [.measure, .choose, .factor] : [.factor]
    let setting = try conduct.setting(
      checkpoint,
      stream,
      options,
      common,
      output: path,
      stages: stages
    )
    let planner = try Planner(
      checkpoint,
      stream: stream,
      options: options,
      threads: common.threads,
      spoolFolder: setting.spoolFolder,
      observer: clock
    )
    if conduct.dryRun {
      let forecast = try CompressionReport(
        given ?? planner.forecast(),
        checkpoint,
        stream,
        clock: clock,
        estimate: setting.estimate
      )
      forecast.show(json: common.json)
      return
    }
    let before = try evaluation.map { try perplexity(of: checkpoint, $0, clock, "evaluate before") }
    let compressor = Compressor(planner, tool: Version.tool)
    let result =
      if let given {
        try compressor.run(given, hasRanks: true, to: path)
      } else {
        try StatisticsSource(given: nil, in: common.workFolder(beside: path), for: path).withReader(
          planner
        ) { statistics in
          try compressor.run(
            try planner.chooseExperts(from: statistics),
            hasRanks: false,
            to: path
          )
        }
      }
    var outcome = try CompressionReport(
      result.plan,
      checkpoint,
      stream,
      clock: clock,
      estimate: nil,
      result: result
    )
    if let evaluation, let before {
      let packed = try Checkpoint(path.string)
      let after = try perplexity(of: packed, evaluation, clock, "evaluate after")
      outcome.perplexity = (before, after, evaluation.text ?? "")
    }
    if let reportPath {
      let page = reportPath.string.hasSuffix(".html") ? outcome.html : outcome.markdown
      try FileSystem.write(Array(page.utf8), to: reportPath)
    }
    outcome.show(json: common.json)
  }

  /// The method's options, from the command line or from the plan.
  private func options(_ checkpoint: Checkpoint, _ stream: TokenStream) throws -> (
    MethodOptions, CompressionPlan?
  ) {
    guard let plan else {
      var options = MethodOptions()
      pruning.apply(to: &options)
      method.apply(to: &options)
      options.seed = common.seed
      return (options, nil)
    }
    let read = try CompressionPlan(
      reading: FilePath(plan),
      for: checkpoint,
      allowsOtherWeights: allowOtherWeights
    )
    try read.requireStream(stream.fingerprint, stream.ids.count, stream.context, file: plan)
    return (try MethodOptions(json: read.options, file: plan), read)
  }

  private func perplexity(
    of checkpoint: Checkpoint,
    _ stream: TokenStream,
    _ clock: StageClock,
    _ title: String
  ) throws -> Double? {
    var value: Double?
    let layers = try checkpoint.requireConfiguration().layerCount
    try clock.stage(title, total: layers) { advance in
      try withoutActuallyEscaping(advance) { advance in
        var evaluator = Evaluator(threads: common.threads, spoolFolder: spoolFolder)
        if conduct.memory != nil { evaluator.memoryBudget = 0 }
        evaluator.layerDone = { _ in advance() }
        value = try evaluator.evaluate(checkpoint, stream).perplexity
      }
    }
    return value
  }

  private var spoolFolder: FilePath {
    common.workFolder(beside: FilePath(destination.output))
  }
}
