internal import ArgumentParser
internal import Calibration
internal import Checkpoint
internal import Compression
internal import Evaluation
internal import JSON
internal import Storage
internal import SystemPackage

/// `moepack plan`.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Decide which experts stay and at which rank, without writing a model.",
    discussion: """
      The second step of compress on its own. Takes what calibrate measured, or measures first. The \
      plan is JSON that may be edited (kept, ranks, types) and is carried out by compress --plan.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var destination: OutputOptions

  @Option(
    help: ArgumentHelp(
      "What calibrate measured with the same text options.",
      valueName: "file"
    ),
    completion: .file(extensions: ["safetensors"])
  )
  var statistics: String?

  @OptionGroup(title: "Calibration text") var text: CalibrationTextOptions
  @OptionGroup(title: "Stage one: pruning") var pruning: PruningOptions
  @OptionGroup(title: "Method") var method: MethodOptionGroup
  @OptionGroup var common: CommonOptions
  @OptionGroup(title: "Run") var conduct: RunOptions

  func validate() throws {
    if pruning.prune == 0 {
      try refuse(statistics == nil ? [] : ["--statistics"], because: "--prune 0 prunes nothing")
      try method.refuseStageOne()
    }
  }

  func run() throws {
    var options = MethodOptions()
    pruning.apply(to: &options)
    method.apply(to: &options)
    options.seed = common.seed
    let checkpoint = try input.open()
    try conduct.requireComplete(checkpoint)
    let inputs =
      [FilePath(input.model)] + text.inputs + [statistics].compactMap { $0.map { FilePath($0) } }
    let path = try destination.path(force: common.force, inputs: inputs, isFolder: false)
    try common.requireWorkDirectory()
    let stream = try text.stream(for: checkpoint)
    CalibrationTextOptions.warn("--search-tokens", pruning.searchTokens?.value, of: stream)
    CalibrationTextOptions.warn("--reception-tokens", method.receptionTokens, of: stream)
    let clock = StageClock()
    let setting = try conduct.setting(
      checkpoint,
      stream,
      options,
      common,
      output: path,
      stages: [.measure, .choose, .measureAgain]
    )
    let planner = try Planner(
      checkpoint,
      stream: stream,
      options: options,
      threads: common.threads,
      spoolFolder: setting.spoolFolder,
      observer: clock
    )
    let source = StatisticsSource(
      given: statistics.map { FilePath($0) },
      in: common.workFolder(beside: path),
      for: path
    )
    try source.check(planner)
    if conduct.dryRun {
      let report = try CompressionReport(
        planner.forecast(),
        checkpoint,
        stream,
        clock: clock,
        estimate: setting.estimate
      )
      report.show(json: common.json)
      return
    }
    let plan = try source.withReader(planner) { try planner.plan(from: $0) }
    try FileSystem.write(Array((plan.json.text(pretty: true) + "\n").utf8), to: path)
    let report = try CompressionReport(plan, checkpoint, stream, clock: clock, estimate: nil)
    report.show(json: common.json)
  }
}
