internal import Checkpoint
internal import JSON
internal import LinearAlgebra
internal import Pack
internal import Parallelism
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
        remedy: "convert it to .moepack, which holds any safetensors folder"
      )
    }
    leftOut = kind == .directory ? try ExportJob.filesLeftOut(of: request.source) : []
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
      + request.threads * 16 << 20
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
    for (index, item) in items.enumerated() {
      try write(item, as: index, to: writer)
      progress(try item.layout.type.byteCount(shape: item.layout.shape))
    }
    try writer.finish()
    return ConversionReport(tensorCount: items.count, byteCount: FileSystem.byteCount(path) ?? 0)
  }

  private func write(_ item: DenseExport.Item, as index: Int, to writer: SafetensorsWriter) throws {
    switch item.origin {
    case .tensor(let tensor):
      try copy(
        tensor,
        bytes: 0..<request.source.tensors[tensor].byteCount,
        item,
        index,
        to: writer,
        at: 0
      )
    case .rows(let tensor, let rows):
      let source = request.source.tensors[tensor]
      let rowBytes = source.byteCount / max(source.shape[0], 1)
      let outputRow = try item.layout.type.byteCount(shape: Array(item.layout.shape.dropFirst()))
      for (place, row) in rows.enumerated() {
        try copy(
          tensor,
          bytes: row * rowBytes..<(row + 1) * rowBytes,
          item,
          index,
          to: writer,
          at: place * outputRow
        )
      }
    case .expert(let matrix):
      switch matrix.form {
      case .dense(let tensor, let offset):
        let type = request.source.tensors[tensor].type
        let bytes = try type.byteCount(shape: [matrix.rows, matrix.columns])
        try copy(tensor, bytes: offset..<offset + bytes, item, index, to: writer, at: 0)
      case .factors(let left, let right, let rank):
        let factors = LowRankFactors(
          storedLeft: try load(left, rank, matrix.rows),
          right: try load(right, rank, matrix.columns)
        )
        let product = try factors.product(threads: request.threads)
        try narrow(product, item, index, to: writer)
      }
    }
  }

  /// Copies bytes, or converts them element by element, in pieces side by side.
  private func copy(
    _ tensor: Int,
    bytes range: Range<Int>,
    _ item: DenseExport.Item,
    _ index: Int,
    to writer: SafetensorsWriter,
    at offset: Int
  ) throws {
    let source = request.source
    let type = source.tensors[tensor].type
    let target = item.layout.type
    // A piece is a whole number of elements, or of blocks, if they are to be converted.
    let blockBytes = type == target ? 1 : try type.byteCount(shape: [type.unitElements])
    let piece = (1 << 20) / blockBytes * blockBytes
    try parallelForEach(count: (range.count + piece - 1) / piece, threads: request.threads) {
      number in
      let start = range.lowerBound + number * piece
      let part = start..<min(start + piece, range.upperBound)
      var room = [UInt8](repeating: 0, count: part.count)
      if type == target {
        try room.withUnsafeMutableBytes { buffer in
          try source.source.read(tensor: tensor, bytes: part, into: buffer)
          try writer.write(
            UnsafeRawBufferPointer(buffer),
            tensor: index,
            at: offset + number * piece
          )
        }
        return
      }
      let elements = part.count / blockBytes * type.unitElements
      let values = Matrix(rows: 1, columns: elements)
      try source.widen(tensor: tensor, fromByte: part.lowerBound, into: values.elements)
      let outBytes = try target.byteCount(shape: [elements])
      room = [UInt8](repeating: 0, count: outBytes)
      try room.withUnsafeMutableBytes { buffer in
        try target.narrow(UnsafeBufferPointer(values.elements), into: buffer)
        let done =
          number * (piece / blockBytes * type.unitElements) * (outBytes / max(elements, 1))
        try writer.write(UnsafeRawBufferPointer(buffer), tensor: index, at: offset + done)
      }
    }
  }

  private func load(_ tensor: Int, _ rows: Int, _ columns: Int) throws -> Matrix {
    let matrix = Matrix(rows: rows, columns: columns)
    try request.source.widen(tensor: tensor, into: matrix.elements)
    return matrix
  }

  private func narrow(
    _ matrix: Matrix,
    _ item: DenseExport.Item,
    _ index: Int,
    to writer: SafetensorsWriter
  ) throws {
    let type = item.layout.type
    let block = max(1, (1 << 18) / max(matrix.columns, 1))
    let rowBytes = try type.byteCount(shape: [matrix.columns])
    try parallelForEach(count: (matrix.rows + block - 1) / block, threads: request.threads) {
      number in
      let rows = number * block..<min((number + 1) * block, matrix.rows)
      let values = UnsafeBufferPointer(
        rebasing: matrix.elements[
          rows.lowerBound * matrix.columns..<rows.upperBound * matrix.columns
        ]
      )
      var room = [UInt8](repeating: 0, count: rows.count * rowBytes)
      try room.withUnsafeMutableBytes { buffer in
        try type.narrow(values, into: buffer)
        try writer.write(
          UnsafeRawBufferPointer(buffer),
          tensor: index,
          at: rows.lowerBound * rowBytes
        )
      }
    }
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
    case (.directory(let root), _):
      for entry in try FolderInventory(of: root).entries
      where !entry.isWeights && ExportJob.isCopied(entry.path) {
        try put(entry.path, try FileSystem.contents(of: root.appending(entry.path)))
      }
    case (_, .pack(let pack)):
      for file in pack.files where !file.isSafetensors && ExportJob.isCopied(file.path) {
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
