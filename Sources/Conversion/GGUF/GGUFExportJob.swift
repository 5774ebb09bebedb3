internal import Checkpoint
internal import GGUF
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

  init(_ request: ConversionRequest) throws {
    self.request = request
    let options = request.gguf
    let source = request.source
    var metadata: GGUFMetadata
    if let contents = source.ggufContents, source.factored == nil, !options.isFactored {
      if case .gguf(let collection) = source.format { try collection.requireReadable() }
      let revision = try GGUFRevision(
        source,
        contents,
        plan: request.plan,
        fileType: options.fileType,
        overrides: options.overrides,
        importance: options.importance
      )
      items = revision.items
      metadata = revision.metadata
      largestProductBytes = 0
      values = TensorValues(contents.source, path: source.location.path)
      if let donor = options.tokenizerDonor { try metadata.takeTokenizer(of: donor) }
      if options.hasNoTokenizer { metadata.removeTokenizer() }
    } else {
      let export = try GGUFExport(
        source,
        plan: request.plan,
        fileType: options.fileType,
        overrides: options.overrides,
        importance: options.importance,
        isFactored: options.isFactored
      )
      items = export.items
      metadata = try GGUFExportMetadata(source, export, options).metadata
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
    plan = try GGUFShardPlan(
      destination: request.destination,
      metadata: metadata,
      tensors: items.map(\.layout),
      limits: options.limits
    )
  }

  var forecast: ConversionReport {
    ConversionReport(tensorCount: items.count, byteCount: plan.byteCount)
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
