internal import ArgumentParser
internal import Calibration
internal import Checkpoint
internal import Compression
internal import Evaluation
internal import ImportanceMatrix
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

      With --imatrix nothing is measured: the experts go that the importance matrix counted least, \
      the same number in every layer. convert --plan then takes them out of a GGUF file as it is.
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

  @Option(
    help: ArgumentHelp(
      "Prune by how often this importance matrix (GGUF form) says experts are used.",
      valueName: "file"
    ),
    completion: .file(extensions: ["gguf"])
  )
  var imatrix: String?

  @OptionGroup(title: "Calibration text") var text: CalibrationTextOptions
  @OptionGroup(title: "Stage one: pruning") var pruning: PruningOptions
  @OptionGroup(title: "Method") var method: MethodOptionGroup
  @OptionGroup var common: CommonOptions
  @OptionGroup(title: "Run") var conduct: RunOptions
  @OptionGroup var resume: ResumeOptions

  func validate() throws {
    if pruning.prune == 0 {
      let given = [("--statistics", statistics != nil), ("--imatrix", imatrix != nil)]
      try refuse(given.filter(\.1).map(\.0), because: "--prune 0 prunes nothing")
      try method.refuseStageOne()
    }
    if imatrix != nil {
      try refuse(
        measuring,
        because: "--imatrix prunes by counts, as many in every layer, and measures nothing"
      )
    }
  }

  /// Options that were given and ask for more than an importance matrix says.
  private var measuring: [String] {
    let own = [
      ("--statistics", statistics != nil), ("--calibration", text.calibration != nil),
      ("--ids", text.ids != nil), ("--tokens", text.tokens != nil),
      ("--context", text.context != nil),
    ]
    let same = [
      ("--allocate", pruning.allocate == .uniform), ("--uniform", true), ("--protect", true),
      ("--select", method.select == .frequency), ("--rank-keep", method.rankKeep?.target == .dense),
    ]
    let allowed = Set(same.filter(\.1).map(\.0))
    return own.filter(\.1).map(\.0)
      + (pruning.given + method.given).filter { !allowed.contains($0) }
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
      [FilePath(input.model)] + text.inputs
      + [statistics, imatrix].compactMap { $0.map { FilePath($0) } }
    let path = try destination.path(
      force: try common.force || !resume.ownOutputs(files).isEmpty,
      inputs: inputs,
      isFolder: false
    )
    try common.requireWorkDirectory()
    if let imatrix {
      return try prune(checkpoint, by: FilePath(imatrix), options, files, to: path)
    }
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
        estimate: estimate,
        isForecast: true
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
      try write(plan, to: path)
      return plan
    }
    let report = try CompressionReport(plan, checkpoint, stream, clock: clock, estimate: nil)
    report.show(json: common.json)
  }

  /// Plans by how often experts are used, and says so.
  private func prune(
    _ checkpoint: Checkpoint,
    by imatrix: FilePath,
    _ options: MethodOptions,
    _ files: WorkFiles,
    to path: FilePath
  ) throws {
    let bytes = FileSystem.byteCount(imatrix) ?? 0
    let estimate = PipelineFootprint.withoutStages(checkpoint) + 3 * bytes
    try MemoryPromise.check(conduct.memory, estimate: estimate)
    let matrix = try ImportanceMatrix(reading: imatrix)
    let plan = try CompressionPlan(pruningBy: matrix, of: checkpoint, options: options)
    if !conduct.dryRun {
      var identity = RunIdentity.of("plan", source: try checkpoint.sourceIdentity())
      identity["option"] = plan.options
      identity["frequencies"] = [
        .string(imatrix.string), .string(try FileSystem.changeTime(imatrix)),
      ]
      try resume.run(files, identity: identity) { _ in try write(plan, to: path) }
    }
    let report = try CompressionReport(
      plan,
      checkpoint,
      nil,
      clock: StageClock(),
      estimate: conduct.dryRun ? estimate : nil
    )
    report.show(json: common.json)
  }

  private func write(_ plan: CompressionPlan, to path: FilePath) throws {
    try FileSystem.write(Array((plan.json.text(pretty: true) + "\n").utf8), to: path)
  }
}
