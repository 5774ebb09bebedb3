internal import Checkpoint
internal import GGUF
internal import ImportanceMatrix
internal import JSON
internal import Storage
internal import SystemPackage
internal import Tensors

/// Writes a model as GGUF, in one file or in splits.
struct GGUFExportJob: ConversionJob {
  private let request: ConversionRequest
  private let values: TensorValues
  private let items: [GGUFExport.Item]
  private let largestProductBytes: Int
  private let plan: GGUFShardPlan
  private let leftOut: [FolderInventory.LeftOut]
  private let tokensLeftOut: [String]

  init(_ request: ConversionRequest) throws {
    self.request = request
    let options = request.gguf
    let source = request.source
    leftOut = try options.leftOut(of: source)
    var metadata: GGUFMetadata
    // A pack gives the file back that went into it, whatever it is.
    let isUnpacking =
      if case .pack = source.format {
        request.type == nil && request.plan == nil && options.fileType == nil
          && options.overrides.isEmpty
      } else { false }
    if let contents = source.ggufContents, isUnpacking || source.factored == nil,
      !options.isFactored
    {
      if case .gguf(let collection) = source.format { try collection.requireReadable() }
      let revision = try GGUFRevision(
        source,
        contents,
        plan: request.plan,
        leftOut: leftOut,
        options
      )
      items = revision.items
      metadata = revision.metadata
      largestProductBytes = 0
      values = TensorValues(contents.source, path: source.location.path)
      try metadata.reviseTokenizer(options, of: source)
      tokensLeftOut = []
    } else {
      let export = try GGUFExport(
        source,
        plan: request.plan,
        options
      )
      items = export.items
      let made = try GGUFExportMetadata(source, export, options)
      metadata = made.metadata
      tokensLeftOut = made.tokensLeftOut
      largestProductBytes = export.largestProductBytes
      values = source.values
    }
    for (index, override) in options.overrides.enumerated()
    where !items.contains(where: {
      override.matches($0.layout.name)
        && GGUFTypeChoice.isQuantised($0.layout.name, $0.layout.shape)
    }) {
      throw ConversionError.unsupported(
        reason: "\(source.location.path): no weight of the output has a name that the pattern of"
          + " --type-for number \(index + 1) matches; vectors, norms and routers always stay F32"
      )
    }
    if let importance = options.importance {
      try GGUFExportJob.require(importance, isUsedBy: items, source)
    }
    if let donor = options.tokenizerDonor {
      try GGUFExportJob.require(donor, fits: items, source)
    }
    plan = try GGUFShardPlan(
      destination: request.destination,
      metadata: metadata,
      tensors: items.map(\.layout),
      limits: options.limits
    )
  }

  var warnings: [String] {
    let tokens =
      tokensLeftOut.isEmpty
      ? []
      : [
        "\(request.source.location.path): the embedding has no row for the added tokens"
          + " \(GGUFExportJob.list(tokensLeftOut)); left out"
      ]
    return tokens + unfilledWarnings + importanceWarnings
  }

  /// Tells of weights that are larger than the user asked for.
  private var unfilledWarnings: [String] {
    var groups: [(text: String, names: [String])] = []
    for item in items {
      guard let wanted = item.unfilled else { continue }
      let text = "do not fill the blocks of \(wanted.name) and become \(item.layout.type.name)"
      if let place = groups.firstIndex(where: { $0.text == text }) {
        groups[place].names.append(item.layout.name)
      } else {
        groups.append((text, [item.layout.name]))
      }
    }
    return groups.map { "rows of \(GGUFExportJob.list($0.names)) \($0.text)" }
  }

  /// Tells of weights that are quantised without importance though there is a matrix of it.
  private var importanceWarnings: [String] {
    guard let importance = request.gguf.importance else { return [] }
    // llama-imatrix does not look at the embedding either.
    let names = items.filter { item in
      item.isEncoded && item.layout.name != "token_embd.weight"
        && item.layout.name != "output.weight" && item.parts.allSatisfy { $0.importance == nil }
        && importance[item.layout.name] == nil
    }.map(\.layout.name)
    guard !names.isEmpty else { return [] }
    let file = importance.file?.string ?? "the importance matrix"
    return [
      "\(file): has no entry of \(GGUFExportJob.list(names)); there every error counts the same"
    ]
  }

  private static func list(_ names: [String]) -> String {
    names[0] + (names.count > 1 ? " and \(names.count - 1) more" : "")
  }

  var forecast: ConversionReport {
    ConversionReport(tensorCount: items.count, byteCount: plan.byteCount, leftOut: leftOut)
  }

  /// Refuses an importance matrix that has no part in the output.
  private static func require(
    _ importance: ImportanceMatrix,
    isUsedBy items: [GGUFExport.Item],
    _ source: Checkpoint
  ) throws {
    guard !items.contains(where: { $0.parts.contains { $0.importance != nil } }) else { return }
    let name = importance.file?.string ?? "importance matrix"
    let coded = items.contains { $0.isEncoded }
    throw ConversionError.unsupported(
      reason: coded
        ? "\(name): has no entry of a weight that is quantised here; was it made of another model"
          + " than \(source.location.path)?"
        : "\(name): nothing is quantised, so importance changes nothing; choose a --type of blocks,"
          + " or leave --imatrix away"
    )
  }

  /// Refuses a tokenizer that has not one token for each row of the embedding, as llama.cpp does.
  private static func require(
    _ donor: GGUFCollection,
    fits items: [GGUFExport.Item],
    _ source: Checkpoint
  ) throws {
    let tokens = donor.metadata["tokenizer.ggml.tokens"]?.array?.count ?? 0
    let embedding = items.first { $0.layout.name == "token_embd.weight" }
    guard let rows = embedding?.layout.shape.first, rows != tokens else { return }
    throw ConversionError.unsupported(
      reason: "\(donor.files[0].path): has \(tokens) tokens, and the embedding of"
        + " \(source.location.path) has \(rows) rows; take the tokenizer of a file of the same base"
    )
  }

  var files: [FilePath] { plan.shards.map(\.path) }

  var sourceByteCount: Int {
    items.reduce(0) { $0 + ((try? $1.layout.type.byteCount(shape: $1.layout.shape)) ?? 0) }
  }

  var estimatedPeakMemory: Int {
    let longest = items.reduce(0) { max($0, $1.layout.shape.last ?? 0) }
    let headers = plan.shards.reduce(0) { $0 + $1.layout.header.count }
    // A product of factors exists beside its factors.
    return baselineMemory(tensors: request.source.tensors.count + items.count) + 4 * headers
      + 3 * largestProductBytes
      + TensorTranscription.pieceBytes(threads: request.threads, longestRow: longest)
  }

  func run(journal: Journal?, progress: (Int) -> Void) throws -> ConversionReport {
    let writer = try GGUFWriter(plan)
    let transcription = TensorTranscription(values: values, threads: request.threads)
    for (index, item) in items.enumerated() {
      try transcription.write(item.parts, item.layout, to: writer, as: index)
      progress(try item.layout.type.byteCount(shape: item.layout.shape))
    }
    try writer.finish()
    return forecast
  }
}
