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
      The result is a safetensors file, described in Formats/statistics.md. With --imatrix the same \
      pass also makes an importance matrix, in the form that llama-imatrix writes and llama-quantize \
      reads.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var destination: OutputOptions

  @Option(
    help: ArgumentHelp(
      "Also write an importance matrix for llama-quantize (GGUF).",
      valueName: "file"
    ),
    completion: .file(extensions: ["gguf"])
  )
  var imatrix: String?

  @OptionGroup(title: "Calibration text") var text: CalibrationTextOptions
  @OptionGroup(title: "What will be pruned") var pruning: PruningOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup(title: "Run") var conduct: RunOptions
  @OptionGroup var resume: ResumeOptions

  func validate() throws {
    if imatrix == "" { throw ValidationError("--imatrix needs a path") }
    if imatrix == destination.output {
      throw ValidationError("--output and --imatrix exclude each other's path: name two files")
    }
  }

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
    let second = try imatrixPath(force: common.force || isPlaced)
    try OutputOptions.requireDistinct(path, second)
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
      gathersImportance: second != nil,
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
          + (second.map { second in
            let partial = FileSystem.byteCount(ReplacementFile.workPath(of: second)) ?? 0
            let folder = FileSystem.folder(of: second)
            return [DiskSpace.Need(folder, exactly: planner.importanceBytes, written: partial)]
          } ?? [])
      )
    }
    let sample = planner.samplePlan
    var more = JSONObject()
    if let second {
      more[ResumeOptions.importance] = .string(FileSystem.absolute(second).string)
      more["imatrix dataset"] = .string(dataset(stream))
    }
    let identity = try RunIdentity.of(
      "calibrate",
      checkpoint,
      stream,
      [
        "search-tokens": JSONValue(sample.positions.count),
        "candidates": JSONValue(sample.candidates),
      ],
      files,
      more: more
    )
    try resume.run(files, identity: identity) { work in
      planner.work = work
      try planner.calibrate(
        to: path,
        tool: Version.tool,
        importance: second.map { ImportanceRecord.Output(path: $0, dataset: dataset(stream)) }
      )
    }
    if common.json {
      let report: JSONValue = [
        "output": .string(destination.output), "tokens": JSONValue(stream.ids.count),
        "text": JSONValue(stream.text), "bos": stream.bos.map { JSONValue(Int($0)) } ?? .null,
        "eos": stream.eos.map { JSONValue(Int($0)) } ?? .null,
        "bytes": JSONValue(FileSystem.byteCount(path) ?? 0),
        "peakMemory": JSONValue(ProcessMemory.peakResidentBytes), "seconds": clock.json,
      ]
      Console.print(withImatrix(report))
    } else {
      Console.print(
        "\(SafeText.shown(destination.output)): \(SafeText.grouped(stream.ids.count)) tokens of"
          + " \(SafeText.shown(stream.text ?? "token ids"))"
      )
    }
  }

  /// Where the importance matrix goes, checked as the output is.
  private func imatrixPath(force: Bool) throws -> FilePath? {
    guard let imatrix else { return nil }
    let path = try OutputOptions.check(
      imatrix,
      force: force,
      inputs: [FilePath(input.model)] + text.inputs
    )
    if FileSystem.isDirectory(path) {
      throw OutputOptions.OtherKind(path: path, isFolder: false)
    }
    return path
  }

  /// The name of the file of text or ids, without its folders: the same bytes from anywhere.
  private func dataset(_ stream: TokenStream) -> String {
    let name = stream.text ?? text.ids ?? ""
    return FilePath(name).lastComponent?.string ?? name
  }

  /// The report, with the importance matrix's path where one was made.
  private func withImatrix(_ report: JSONValue) -> JSONValue {
    guard let imatrix, var object = report.object else { return report }
    object["imatrix"] = .string(imatrix)
    return .object(object)
  }
}
