internal import ArgumentParser
internal import Calibration
internal import Checkpoint
internal import Compression
internal import Evaluation
internal import JSON
internal import Pack
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
  @OptionGroup var resume: ResumeOptions

  func validate() throws {
    if pruning.prune == 0 {
      try refuse(statistics == nil ? [] : ["--statistics"], because: "--prune 0 prunes nothing")
      try method.refuseStageOne()
    }
  }

  func run() throws {
    let files = common.workFiles(of: FilePath(destination.output))
    if resume.discard {
      return try resume.discard(files, json: common.json, dryRun: conduct.dryRun)
    }
    var options = MethodOptions()
    pruning.apply(to: &options)
    method.apply(to: &options)
    options.seed = common.seed
    let checkpoint = try input.open()
    try conduct.requireComplete(checkpoint)
    let inputs =
      [FilePath(input.model)] + text.inputs + [statistics].compactMap { $0.map { FilePath($0) } }
    let path = try destination.path(
      force: try common.force || !resume.ownOutputs(files).isEmpty,
      inputs: inputs,
      isFolder: false
    )
    try common.requireWorkDirectory()
    let stream = try text.stream(for: checkpoint)
    CalibrationTextOptions.warn("--search-tokens", pruning.searchTokens?.value, of: stream)
    CalibrationTextOptions.warn("--reception-tokens", method.receptionTokens, of: stream)
    let clock = StageClock()
    var (planner, estimate) = try conduct.planner(
      checkpoint,
      stream,
      options,
      common,
      files,
      stages: [.measure, .choose, .measureAgain],
      clock: clock
    )
    let source = StatisticsSource(given: statistics.map { FilePath($0) })
    try source.check(planner)
    if conduct.dryRun {
      let report = try CompressionReport(
        planner.forecast(),
        checkpoint,
        stream,
        clock: clock,
        estimate: estimate
      )
      report.show(json: common.json)
      return
    }
    let measured = statistics == nil && options.prune > 0 ? planner.statisticsBytes : 0
    try DiskSpace.check(
      [
        DiskSpace.Need(
          files.folder,
          exactly: measured + planner.streamBytes,
          written: files.folderBytes
        )
      ]
    )
    var more = JSONObject()
    more["statistics"] = JSONValue(try statistics.map { try FileSystem.changeTime(FilePath($0)) })
    let identity = try RunIdentity.of("plan", checkpoint, stream, options.json, files, more: more)
    let plan = try resume.run(files, identity: identity) { work in
      planner.work = work
      let json = try work.once(PackWriter.placing) {
        try planner.plan(from: try source.reader(planner, files)).json
      }
      let plan = try CompressionPlan(json: json, file: path.string, for: checkpoint)
      try FileSystem.write(Array((plan.json.text(pretty: true) + "\n").utf8), to: path)
      return plan
    }
    let report = try CompressionReport(plan, checkpoint, stream, clock: clock, estimate: nil)
    report.show(json: common.json)
  }
}
