internal import ArgumentParser
internal import Calibration
internal import Checkpoint
internal import Compression
internal import Evaluation
internal import JSON
internal import Storage
internal import SystemPackage

/// `moepack calibrate`.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure the experts of a model on a text.",
    discussion: """
      The first step of compress on its own: one streamed pass gathers routing statistics, output \
      norms, leave-one-out errors and, for a sample of tokens, Gram matrices of the experts' outputs. \
      The result is a safetensors file, described in Formats/statistics.md.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var destination: OutputOptions
  @OptionGroup(title: "Calibration text") var text: CalibrationTextOptions
  @OptionGroup(title: "What will be pruned") var pruning: PruningOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup(title: "Run") var conduct: RunOptions
  @OptionGroup var resume: ResumeOptions

  func run() throws {
    let files = common.workFiles(of: FilePath(destination.output))
    if resume.discard {
      return try resume.discard(files, json: common.json, dryRun: conduct.dryRun)
    }
    var options = MethodOptions()
    pruning.apply(to: &options)
    options.seed = common.seed
    let checkpoint = try input.open()
    try conduct.requireComplete(checkpoint)
    let isPlaced = try !resume.ownOutputs(files).isEmpty
    let path = try destination.path(
      force: common.force || isPlaced,
      inputs: [FilePath(input.model)] + text.inputs,
      isFolder: false
    )
    try common.requireWorkDirectory()
    let stream = try text.stream(for: checkpoint)
    CalibrationTextOptions.warn("--search-tokens", pruning.searchTokens?.value, of: stream)
    let clock = StageClock()
    var (planner, estimate) = try conduct.planner(
      checkpoint,
      stream,
      options,
      common,
      files,
      stages: [.measure],
      clock: clock
    )
    if conduct.dryRun {
      MemoryPromise.show(estimate, json: common.json)
      return
    }
    if !isPlaced {
      try DiskSpace.check(
        [
          DiskSpace.Need(
            FileSystem.folder(of: path),
            exactly: planner.statisticsBytes,
            written: files.partialBytes
          ),
          DiskSpace.Need(files.folder, exactly: planner.streamBytes, written: files.folderBytes),
        ]
      )
    }
    let sample = planner.samplePlan
    let identity = try RunIdentity.of(
      "calibrate",
      checkpoint,
      stream,
      [
        "search-tokens": JSONValue(sample.positions.count),
        "candidates": JSONValue(sample.candidates),
      ],
      files
    )
    try resume.run(files, identity: identity) { work in
      planner.work = work
      try planner.calibrate(to: path, tool: Version.tool)
    }
    if common.json {
      Console.print([
        "output": .string(destination.output), "tokens": JSONValue(stream.ids.count),
        "text": JSONValue(stream.text), "bos": stream.bos.map { JSONValue(Int($0)) } ?? .null,
        "eos": stream.eos.map { JSONValue(Int($0)) } ?? .null,
        "bytes": JSONValue(FileSystem.byteCount(path) ?? 0),
        "peakMemory": JSONValue(ProcessMemory.peakResidentBytes), "seconds": clock.json,
      ])
    } else {
      Console.print(
        "\(SafeText.shown(destination.output)): \(SafeText.grouped(stream.ids.count)) tokens of"
          + " \(SafeText.shown(stream.text ?? "token ids"))"
      )
    }
  }
}
