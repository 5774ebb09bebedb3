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

  @OptionGroup(title: "Calibration text") var text: CalibrationTextOptions
  @OptionGroup(title: "Stage one: pruning") var pruning: PruningOptions
  @OptionGroup(title: "Method") var method: MethodOptionGroup
  @OptionGroup var common: CommonOptions
  @OptionGroup(title: "Run") var conduct: RunOptions
  @OptionGroup var resume: ResumeOptions

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
    if resume.discard {
      return try resume.discard(files, json: common.json, dryRun: conduct.dryRun)
    }
    let checkpoint = try input.open()
    try conduct.requireComplete(checkpoint)
    let others = [evaluate, plan].compactMap { $0.map { FilePath($0) } }
    let inputs = [FilePath(input.model)] + text.inputs + others
    let own = try resume.ownOutputs(files)
    let path = try destination.path(
      force: common.force || !own.isEmpty,
      inputs: inputs,
      isFolder: false
    )
    try common.requireWorkDirectory()
    let reportPath = try report.map {
      try OutputOptions.check(
        $0,
        force: common.force || own.contains(FileSystem.absolute(FilePath($0))),
        inputs: inputs
      )
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
        context: text.windowLength,
        limit: nil
      )
    }
    let clock = StageClock()
    let stages: Set<PipelineFootprint.Stage> =
      given == nil ? [.measure, .choose, .factor] : [.factor]
    var (planner, estimate) = try conduct.planner(
      checkpoint,
      stream,
      options,
      common,
      files,
      stages: stages,
      clock: clock
    )
    if let evaluation {
      let needed = try evaluator.estimatedPeakMemory(checkpoint, evaluation, hasReference: false)
      estimate = max(estimate + evaluation.ids.count * 8, needed)
      try MemoryPromise.check(
        conduct.memory,
        estimate: estimate,
        remedy: "a shorter text for --evaluate, or fewer --threads"
      )
    }
    let forecast = try given ?? planner.forecast()
    if conduct.dryRun {
      let report = try CompressionReport(
        forecast,
        checkpoint,
        stream,
        clock: clock,
        estimate: estimate,
        isForecast: given == nil
      )
      report.show(json: common.json)
      return
    }
    if own.isEmpty { try checkDisk(forecast, planner, evaluation) }
    var more = JSONObject()
    more["plan"] = given.map { .string(Self.checksum($0)) } ?? .null
    more["evaluation text"] = JSONValue(evaluation?.fingerprint)
    let identity = try RunIdentity.of(
      "compress",
      checkpoint,
      stream,
      options.json,
      files,
      more: more
    )
    let outcome = try resume.run(files, identity: identity) { work in
      planner.work = work
      func measured(_ title: String, _ model: () throws -> Checkpoint) throws -> Double? {
        guard let evaluation else { return nil }
        return try work.once(title) {
          try perplexity(of: model(), evaluation, clock, title).map { JSONValue($0) } ?? .null
        }.double
      }
      let before = try measured("evaluate before") { checkpoint }
      let result = try compress(planner, given, to: path)
      let after = try measured("evaluate after") { try Checkpoint(path.string) }
      var outcome = try CompressionReport(
        result.plan,
        checkpoint,
        stream,
        clock: clock,
        estimate: nil,
        result: result
      )
      if let evaluation { outcome.perplexity = (before, after, evaluation.text ?? "") }
      if let reportPath {
        let place = FileSystem.absolute(reportPath)
        try work.journal.append(ResumeOptions.report, .string(place.string))
        let page = reportPath.string.hasSuffix(".html") ? outcome.html : outcome.markdown
        try FileSystem.write(Array(page.utf8), to: reportPath)
      }
      return outcome
    }
    outcome.show(json: common.json)
  }

  private var files: WorkFiles { common.workFiles(of: FilePath(destination.output)) }

  private func checkDisk(
    _ plan: CompressionPlan,
    _ planner: Planner,
    _ evaluation: TokenStream?
  ) throws {
    let size = try SizeEstimate(plan, for: planner.checkpoint, isForecast: self.plan == nil)
    let spooled = try evaluation.map { try evaluator.spooledBytes(planner.checkpoint, $0) } ?? 0
    let measured = self.plan == nil && planner.options.prune > 0 ? planner.statisticsBytes : 0
    try DiskSpace.check(
      [
        DiskSpace.Need(
          FileSystem.folder(of: files.output),
          packOf: size.output,
          like: planner.checkpoint,
          written: files.partialBytes
        ),
        DiskSpace.Need(
          files.folder,
          exactly: measured + planner.streamBytes + spooled,
          written: files.folderBytes
        ),
      ]
    )
  }

  private func compress(_ planner: Planner, _ given: CompressionPlan?, to path: FilePath) throws
    -> Compressor.Result
  {
    let compressor = Compressor(planner, tool: Version.tool)
    if let result = try compressor.finished(path) { return result }
    if let given { return try compressor.run(given, hasRanks: true, to: path) }
    let statistics = try StatisticsSource(given: nil).reader(planner, files)
    let plan = try planner.chooseExperts(from: statistics)
    return try compressor.run(plan, hasRanks: false, to: path)
  }

  private static func checksum(_ plan: CompressionPlan) -> String {
    "checksum " + String(Checksum.of(Array(plan.json.text(pretty: false).utf8)), radix: 16)
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
    try read.require(CompressionPlan.Stream(stream), file: plan)
    return (try MethodOptions(json: read.options, file: plan), read)
  }

  private var evaluator: Evaluator {
    var evaluator = Evaluator(threads: common.threads, spoolFolder: files.folder)
    if conduct.memory != nil { evaluator.memoryBudget = 0 }
    return evaluator
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
        var evaluator = evaluator
        evaluator.layerDone = { _ in advance() }
        value = try evaluator.evaluate(checkpoint, stream).perplexity
      }
    }
    return value
  }
}
