internal import Checkpoint
internal import JSON
internal import Pack
internal import Safetensors
internal import Storage
internal import SystemPackage
internal import Tensors

/// Writes a model as plain safetensors, in one file or a folder of shards.
struct ExportJob: ConversionJob {
  private let request: ConversionRequest
  private let kind: ConversionRequest.Kind
  private let export: DenseExport
  private let shards: SafetensorsShardPlan
  /// Files of the source that are not taken.
  private let leftOut: [FolderInventory.LeftOut]

  private static let defaultShardBytes = 5_000_000_000

  init(_ request: ConversionRequest, kind: ConversionRequest.Kind) throws {
    self.request = request
    self.kind = kind
    export = try DenseExport(request.source, type: request.type, plan: request.plan)
    let limit =
      kind == .safetensorsFile
      ? Int.max / 2 : request.maximumShardBytes ?? ExportJob.defaultShardBytes
    do {
      shards = try SafetensorsShardPlan(export.items.map(\.layout), maximumBytes: limit)
    } catch let error as TensorError {
      throw ConversionError.notExpressible(
        source: request.source.location.path,
        reason: error.description,
        remedy: request.source.ggufContents == nil
          ? "convert it to .moepack, which holds any safetensors folder"
          : "a .gguf output keeps it as it is"
      )
    }
    leftOut = kind == .directory ? try ExportJob.filesLeftOut(of: request.source) : []
  }

  var warnings: [String] {
    guard kind == .directory, let vocabulary = try? request.source.ggmlVocabulary(),
      vocabulary.model == .llama, let scores = vocabulary.scores, Set(scores).count == 1,
      scores.count > 1
    else { return [] }
    return [
      "\(request.source.location.path): all tokens have the same score, which tokenizer.json cannot"
        + " say: the folder's tokenizer will cut some words otherwise; compare models by --ids"
    ]
  }

  var forecast: ConversionReport {
    let bytes = export.items.reduce(0) {
      $0 + ((try? $1.layout.type.byteCount(shape: $1.layout.shape)) ?? 0)
    }
    return ConversionReport(
      tensorCount: export.items.count,
      byteCount: bytes,
      leftOut: leftOut
    )
  }

  var sourceByteCount: Int { forecast.byteCount }

  var estimatedPeakMemory: Int {
    baselineMemory(tensors: request.source.tensors.count) + 3 * export.largestMatrixBytes
      + max(
        request.threads * 16 << 20,
        TensorTranscription.pieceBytes(threads: request.threads, longestRow: export.longestRow)
      )
  }

  func run(journal: Journal?, progress: (Int) -> Void) throws -> ConversionReport {
    guard kind == .directory else {
      return try write(shards.shards[0], to: request.destination, progress)
    }
    let folder = try ReplacementDirectory(replacing: request.destination)
    var report = ConversionReport(leftOut: leftOut)
    for shard in shards.shards {
      let part = try write(shard, to: try folder.path(for: shard.name), progress)
      report.tensorCount += part.tensorCount
      report.byteCount += part.byteCount
    }
    if let index = shards.index {
      let path = try folder.path(for: "model.safetensors.index.json")
      try FileSystem.write(Array((index.text(pretty: true) + "\n").utf8), to: path)
    }
    report.byteCount += try copyFiles(into: folder)
    try folder.finish()
    return report
  }

  // MARK: - Tensors

  private func write(
    _ shard: SafetensorsShardPlan.Shard,
    to path: FilePath,
    _ progress: (Int) -> Void
  ) throws -> ConversionReport {
    let items = shard.tensors.map { export.items[$0] }
    let writer = try SafetensorsWriter(replacing: path, tensors: items.map(\.layout))
    let transcription = TensorTranscription(
      values: request.source.values,
      threads: request.threads
    )
    for (index, item) in items.enumerated() {
      let part = TensorPart(origin: item.origin)
      try transcription.write([part], item.layout, to: writer, as: index)
      progress(try item.layout.type.byteCount(shape: item.layout.shape))
    }
    try writer.finish()
    return ConversionReport(tensorCount: items.count, byteCount: FileSystem.byteCount(path) ?? 0)
  }

  // MARK: - Other files

  /// Copies tokenizer, templates and the like, and writes the configuration; returns their bytes.
  private func copyFiles(into folder: ReplacementDirectory) throws -> Int {
    var total = 0
    func put(_ name: String, _ bytes: [UInt8]) throws {
      try FileSystem.write(bytes, to: try folder.path(for: name))
      total += bytes.count
    }
    if let configuration = export.configuration {
      try put("config.json", Array((configuration.text(pretty: true) + "\n").utf8))
    }
    switch (request.source.location, request.source.format) {
    case _ where request.source.ggufContents != nil:
      for name in try ModelFiles(request.source).names where ExportJob.isCopied(name) {
        if let bytes = try request.source.auxiliaryFile(name) { try put(name, bytes) }
      }
    case (.directory(let root), _):
      for entry in try FolderInventory(of: root).entries
      where !entry.isWeights && ExportJob.isCopied(entry.path) {
        try put(entry.path, try FileSystem.contents(of: root.appending(entry.path)))
      }
    case (_, .pack(let pack)):
      for file in pack.files where file.kind == .plain && ExportJob.isCopied(file.path) {
        try put(file.path, try pack.contents(of: file))
      }
    default: break
    }
    return total
  }

  /// Whether a file is copied as it is; configuration and index are written anew.
  private static func isCopied(_ path: String) -> Bool {
    path != "config.json" && (path.contains("/") || !path.hasSuffix(".safetensors.index.json"))
  }

  /// Files of the source that the output has no use for.
  private static func filesLeftOut(of source: Checkpoint) throws -> [FolderInventory.LeftOut] {
    guard case .directory(let root) = source.location,
      case .safetensors(let collection) = source.format
    else { return [] }
    let inventory = try FolderInventory(of: root)
    let opened = Set(collection.files.compactMap { $0.path.lastComponent?.string })
    return inventory.leftOut
      + inventory.entries.filter { $0.isWeights && !opened.contains($0.path) }.map {
        FolderInventory.LeftOut(
          path: $0.path,
          byteCount: $0.byteCount,
          reason: "not part of the checkpoint"
        )
      }
  }
}
