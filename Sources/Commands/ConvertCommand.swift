internal import ArgumentParser
internal import Checkpoint
internal import Compression
internal import Conversion
internal import GGUF
internal import JSON
internal import Storage
internal import SystemPackage
internal import Tensors

/// `moepack convert`.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert between safetensors checkpoints, GGUF and .moepack files.",
    discussion: """
      A checkpoint folder becomes a .moepack file from which it comes back byte for byte. A \
      compressed .moepack becomes a folder or a GGUF file with the factors multiplied back, which \
      transformers and llama.cpp load if every layer kept the same number of experts. A GGUF file \
      made of another keeps its blocks untouched but for what is asked for. With --lora-base the \
      output is an adapter that gives a GGUF file in few bits part of the experts' weights back.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var destination: OutputOptions
  @OptionGroup var common: CommonOptions

  @Option(help: "Kind of output, where its name does not say it.")
  var to: DestinationFormat?

  @Option(
    help: ArgumentHelp(
      "Element type of the output: F32, F16, BF16 or F64; for GGUF F32, F16, BF16, a type of ggml's or"
        + " a mix by llama.cpp's name, such as Q4_K_M (default: the source's).",
      valueName: "type"
    )
  )
  var type: String?

  @Option(
    help: ArgumentHelp("Keep only the experts this plan keeps.", valueName: "file"),
    completion: .file(extensions: ["json"])
  )
  var plan: String?

  @Option(help: ArgumentHelp("Largest safetensors file to write.", valueName: "size"))
  var maxShardSize: ByteSize?

  @OptionGroup var gguf: GGUFOutputOptions

  @Flag(help: "Pack also what is left out by default: weights in other formats, .git, .cache.")
  var allFiles = false

  @Flag(help: "Say what would be written, and write nothing.")
  var dryRun = false

  @Option(help: ArgumentHelp("Most memory to use.", valueName: "size"))
  var memory: ByteSize?

  @OptionGroup var resume: ResumeOptions

  private var format: DestinationFormat { to ?? DestinationFormat.of(destination.output) }

  func validate() throws {
    try validateType()
    if format == .gguf {
      try destination.requireNoNameOfSplit()
      if maxShardSize != nil {
        throw ValidationError("--max-shard-size applies to safetensors; see --split-max-size")
      }
      if type != nil, gguf.factored {
        throw ValidationError(
          "--type cannot apply: with --factored every tensor keeps its type; see --type-for"
        )
      }
      if type != nil, gguf.lora.loraBase != nil {
        throw ValidationError("--type cannot apply: the output is an adapter; see --lora-type")
      }
    } else if let given = gguf.firstGiven {
      throw ValidationError("\(given) applies to a .gguf output only")
    }
    if format == .moepack {
      let given = [
        ("--type", type != nil), ("--plan", plan != nil), ("--max-shard-size", maxShardSize != nil),
      ].filter(\.1).map(\.0)
      if let first = given.first {
        throw ValidationError(
          "\(first) cannot apply: a .moepack made by convert holds its source byte for byte"
            + (first == "--plan" ? "; use compress --plan" : "")
        )
      }
    } else {
      let given = [
        ("--all-files", allFiles), ("--restart", resume.restart), ("--discard", resume.discard),
      ].first(where: \.1)
      if let given { throw ValidationError("\(given.0) applies to a .moepack output only") }
    }
    if maxShardSize != nil, format == .safetensors {
      throw ValidationError(
        "--max-shard-size applies to a folder; a .safetensors output is one file"
      )
    }
  }

  private var elementType: ElementType? {
    type.map { ElementType(name: $0.uppercased()) }
  }

  private func validateType() throws {
    guard let type else { return }
    if format == .gguf {
      guard GGUFFileType(name: type) == nil else { return }
      throw ValidationError(
        "--type '\(type)' is none of \(GGUFFileType.names.joined(separator: ", "))"
      )
    }
    guard ![ElementType.f64, .f32, .f16, .bf16].contains(ElementType(name: type.uppercased()))
    else {
      return
    }
    throw ValidationError("--type '\(type)' is none of F32, F16, BF16, F64; others are for .gguf")
  }

  func run() throws {
    let start = ProgressLine.now
    let files = common.workFiles(of: FilePath(destination.output))
    if resume.discard { return try resume.discard(files, json: common.json, dryRun: dryRun) }
    let checkpoint = try input.open()
    let isPlaced = try format == .moepack && !resume.ownOutputs(files).isEmpty
    let path = try destination.path(
      force: common.force || isPlaced,
      inputs: ([input.model, plan].compactMap { $0 } + gguf.inputs).map { FilePath($0) },
      isFolder: format == .directory
    )
    try common.requireWorkDirectory()
    var request = ConversionRequest(
      source: checkpoint,
      destination: path,
      type: format == .gguf ? nil : elementType,
      maximumShardBytes: maxShardSize?.bytes,
      plan: try plan.map { try CompressionPlan(reading: FilePath($0), for: checkpoint).kept },
      takesAllFiles: allFiles,
      threads: common.threads,
      tool: Version.tool
    )
    if format == .gguf {
      request.gguf = try gguf.options(fileType: type.flatMap { GGUFFileType(name: $0) })
    }
    let job = try request.job(for: format.kind)
    if format != .directory {
      try OutputOptions.check(
        files: job.files.isEmpty ? [path] : job.files,
        force: common.force || isPlaced,
        inputs: ConvertCommand.splits(of: checkpoint, request.gguf)
      )
    }
    try MemoryPromise.check(memory, estimate: job.estimatedPeakMemory)
    for warning in job.warnings { Console.warn(warning) }
    if dryRun {
      show(
        job.forecast,
        job.files,
        seconds: ProgressLine.now - start,
        estimate: job.estimatedPeakMemory
      )
      return
    }
    let folder = FileSystem.folder(of: path)
    let need =
      format == .moepack
      ? DiskSpace.Need(
        folder,
        packOf: job.forecast.byteCount,
        like: checkpoint,
        written: files.partialBytes
      )
      : DiskSpace.Need(folder, exactly: job.forecast.byteCount)
    if !isPlaced { try DiskSpace.check([need]) }
    for left in job.forecast.leftOut {
      Console.note("left out: \(SafeText.shown(left.path)) (\(left.reason))")
    }
    let line = ProgressLine("convert", total: job.sourceByteCount, unit: .bytes)
    let report =
      if let source = try job.identity {
        try resume.run(files, identity: RunIdentity.of("convert", source: source)) {
          try job.run(journal: $0.journal) { line.advance($0) }
        }
      } else {
        try job.run { line.advance($0) }
      }
    line.finish()
    if let adapter = report.adapter, adapter.share == nil {
      Console.warn(
        "\(SafeText.shown(gguf.lora.loraBase ?? "")): its experts equal those of"
          + " \(SafeText.shown(input.model)), so the adapter adds nothing; make the base in fewer bits"
      )
    }
    show(report, job.files, seconds: ProgressLine.now - start, estimate: nil)
  }

  /// The files of every GGUF model that is read, where only one of them was named.
  private static func splits(of source: Checkpoint, _ options: GGUFOptions) -> [FilePath] {
    let models = [source, options.adapter?.base].compactMap { $0 }
    let collections = models.compactMap { model -> GGUFCollection? in
      if case .gguf(let collection) = model.format { collection } else { nil }
    }
    return (collections + [options.tokenizerDonor].compactMap { $0 })
      .flatMap { $0.files.map(\.path) }
  }

  private func show(
    _ report: ConversionReport,
    _ files: [FilePath],
    seconds: Double,
    estimate: Int?
  ) {
    let names = files.isEmpty ? [destination.output] : files.map(\.string)
    guard common.json else {
      let verb = estimate == nil ? "written" : "to be written"
      let more = names.count - 1
      Console.print(
        SafeText.shown(names[0]) + (more > 0 ? " and \(more) more" : "")
          + ": \(report.tensorCount) tensors,"
          + " \(SafeText.bytes(report.byteCount)) \(verb)"
      )
      if let adapter = report.adapter, let share = adapter.share {
        Console.print(
          "rank \(adapter.rank) holds \(SafeText.fixed(100 * share, 1)) % of what the base's experts lost"
            + " (of the squared norm)"
        )
      }
      if let estimate { Console.print("estimated peak memory: \(SafeText.bytes(estimate))") }
      return
    }
    var json: JSONObject = JSONObject()
    json["output"] = .string(names[0])
    if !files.isEmpty { json["files"] = .array(names.map { .string($0) }) }
    json["tensors"] = JSONValue(report.tensorCount)
    json["bytes"] = JSONValue(report.byteCount)
    json["leftOut"] = .array(
      report.leftOut.map {
        ["path": .string($0.path), "bytes": JSONValue($0.byteCount), "reason": .string($0.reason)]
      }
    )
    json["peakMemory"] = JSONValue(ProcessMemory.peakResidentBytes)
    json["seconds"] = JSONValue(seconds)
    if let adapter = report.adapter {
      json["lora"] = [
        "rank": JSONValue(adapter.rank), "share": adapter.share.map { JSONValue($0) } ?? .null,
      ]
    }
    if let estimate { json["estimatedPeakMemory"] = JSONValue(estimate) }
    Console.print(.object(json))
  }
}

extension DestinationFormat {
  /// The library's word.
  var kind: ConversionRequest.Kind {
    switch self {
    case .moepack: .pack
    case .safetensors: .safetensorsFile
    case .gguf: .gguf
    case .directory: .directory
    }
  }
}
