internal import ArgumentParser
internal import Checkpoint
internal import Evaluation
internal import JSON
internal import Storage
internal import SystemPackage

/// `moepack evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a model's perplexity on a text.",
    discussion: """
      Streams the model layer by layer over all windows of the text together. With --against it also \
      measures the KL divergence from a reference, which is another model or logits saved before.
      """
  )

  @OptionGroup var input: ModelArgument
  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp("Text: .txt, or .jsonl with 'text' per line.", valueName: "file"),
    completion: .file(extensions: ["txt", "jsonl"])
  )
  var text: String?

  @Option(
    help: ArgumentHelp("Token ids in place of text: a JSON list.", valueName: "file"),
    completion: .file(extensions: ["json"])
  )
  var ids: String?

  @Option(help: ArgumentHelp("Tokens per window.", valueName: "n"))
  var context: Int = 512

  @Option(help: ArgumentHelp("Use the first n tokens only (default: all).", valueName: "n"))
  var tokens: Int?

  @Option(
    help: ArgumentHelp("Save the logits (safetensors).", valueName: "file"),
    completion: .file()
  )
  var saveLogits: String?

  @Option(
    help: ArgumentHelp(
      "Save the residual stream and router logits of every layer (safetensors).",
      valueName: "file"
    ),
    completion: .file()
  )
  var saveHidden: String?

  @Option(
    help: ArgumentHelp("Compare with a model, or with saved logits.", valueName: "model"),
    completion: .file()
  )
  var against: String?

  @Option(
    help: ArgumentHelp(
      "Add this LoRA adapter (GGUF) to the model's experts, as llama.cpp does.",
      valueName: "file"
    ),
    completion: .file(extensions: ["gguf"])
  )
  var lora: String?

  @Option(
    help: ArgumentHelp("Leave aside tensors without a role whose name matches.", valueName: "regex")
  )
  var ignore: RegexArgument?

  @Option(help: ArgumentHelp("Most memory to use.", valueName: "size"))
  var memory: ByteSize?

  @Flag(help: "Estimate the peak memory, and measure nothing.")
  var dryRun = false

  func validate() throws {
    try TextOptions.requireOne(text: text, ids: ids)
    try TextOptions.requirePositive("--context", context, atMost: 1 << 20)
    try TextOptions.requirePositive("--tokens", tokens)
    if saveLogits != nil, saveLogits == saveHidden {
      throw ValidationError("--save-logits and --save-hidden need two files")
    }
  }

  func run() throws {
    let checkpoint = try input.open(adapter: lora.map { FilePath($0) })
    try checkpoint.requireComplete(ignoring: { ignore?.matches($0) ?? false })
    let reference = try against.map(openReference)
    let inputs = [input.model, against, lora, text, ids].compactMap { $0.map { FilePath($0) } }
    let logitsPath = try saveLogits.map {
      try OutputOptions.check($0, force: common.force, inputs: inputs)
    }
    let hiddenPath = try saveHidden.map {
      try OutputOptions.check($0, force: common.force, inputs: inputs)
    }
    try OutputOptions.requireDistinct(logitsPath, hiddenPath)
    try common.requireWorkDirectory()
    let source: TextSource = text.map { .file(FilePath($0)) } ?? .ids(FilePath(ids ?? ""))
    let stream = try TokenStream(source, for: checkpoint, context: context, limit: tokens)
    if let shortfall = stream.shortfall {
      Console.warn("the text has \(shortfall) tokens, fewer than --tokens asks for; all are used")
    }
    var evaluator = Evaluator(threads: common.threads, spoolFolder: spoolFolder)
    func estimated() throws -> Int {
      try evaluator.estimatedPeakMemory(checkpoint, stream, hasReference: against != nil)
    }
    // Spooling is the one thing that can be given up.
    if let memory, try estimated() > memory.bytes { evaluator.memoryBudget = 0 }
    let estimate = try estimated()
    try MemoryPromise.check(
      memory,
      estimate: estimate,
      remedy: "fewer --tokens or --threads, or a smaller --context"
    )
    if dryRun {
      MemoryPromise.show(estimate, json: common.json)
      return
    }
    let c = try checkpoint.requireConfiguration()
    let logitsBytes = stream.ids.count * (c.vocabularySize * 4 + 8)
    let hiddenBytes =
      stream.ids.count * 4
      * ((c.layerCount + 1) * c.hiddenSize + c.moeLayers.count * c.expertCount)
    let spooled = try evaluator.spooledBytes(checkpoint, stream, hasReference: against != nil)
    try DiskSpace.check(
      [(logitsPath, logitsBytes), (hiddenPath, hiddenBytes)].compactMap { path, bytes in
        path.map { DiskSpace.Need(FileSystem.folder(of: $0), exactly: bytes) }
      } + [DiskSpace.Need(spoolFolder, exactly: spooled)]
    )
    if let logitsPath {
      Console.note(
        "\(SafeText.shown(logitsPath.string)): \(SafeText.bytes(logitsBytes)) of logits to be written"
      )
    }
    evaluator.logitsPath = logitsPath
    evaluator.hiddenPath = hiddenPath
    let line = ProgressLine("evaluate", total: c.layerCount, unit: .items("layers"))
    evaluator.layerDone = { _ in line.advance(1) }
    let result = try evaluator.evaluate(checkpoint, stream, against: reference)
    line.finish()
    show(result, stream)
  }

  private var spoolFolder: FilePath { FilePath(common.workDirectory ?? ".") }

  private func openReference(_ path: String) throws -> Evaluator.Reference {
    if path.hasSuffix(".safetensors"), FileSystem.kind(FilePath(path)) == .file {
      return .logits(FilePath(path))
    }
    let reference = try Checkpoint(path)
    try reference.requireComplete(ignoring: { ignore?.matches($0) ?? false })
    return .model(reference)
  }

  private func show(_ result: Evaluator.Result, _ stream: TokenStream) {
    guard common.json else {
      let value = result.perplexity.map { SafeText.fixed($0, 4) } ?? "-"
      Console.print(
        "perplexity \(value) over \(SafeText.grouped(result.scoredTokens)) tokens in"
          + " \(result.windows) windows of \(context)"
      )
      if let other = result.against {
        Console.print(
          "reference \(other.perplexity.map { SafeText.fixed($0, 4) } ?? "-"), mean KL"
            + " \(other.meanKL.map { SafeText.fixed($0, 6) } ?? "-") nats, same top token"
            + " \(other.top1Agreement.map { SafeText.fixed(100 * $0, 2) } ?? "-") %"
        )
      }
      return
    }
    func number(_ value: Double?) -> JSONValue { value.map { JSONValue($0) } ?? .null }
    var json = JSONObject()
    json["perplexity"] = number(result.perplexity)
    json["scoredTokens"] = JSONValue(result.scoredTokens)
    json["windows"] = JSONValue(result.windows)
    json["context"] = JSONValue(context)
    json["text"] = JSONValue(stream.text)
    json["bos"] = stream.bos.map { JSONValue(Int($0)) } ?? .null
    json["eos"] = stream.eos.map { JSONValue(Int($0)) } ?? .null
    if let other = result.against {
      json["against"] = [
        "perplexity": number(other.perplexity), "meanKL": number(other.meanKL),
        "top1Agreement": number(other.top1Agreement),
      ]
    }
    json["peakMemory"] = JSONValue(ProcessMemory.peakResidentBytes)
    Console.print(.object(json))
  }
}
