internal import Checkpoint
internal import Evaluation
internal import Inference
internal import JSON
internal import Pack
internal import Parallelism
package import SystemPackage
internal import Tensors

/// Carries a plan out: streams every tensor from the source to a pack, pruning and factoring
/// experts one by one.
package struct Compressor {
  /// What was measured of one factored matrix.
  package struct FactoringRecord: Sendable {
    /// Original number of the expert.
    package var expert: Int
    /// Which matrix: gate, up or down.
    package var projection: String
    /// Rank of its factors.
    package var rank: Int
    /// Relative error of the weight, ‖W − W'‖ / ‖W‖.
    package var weightError: Double
    /// Relative error of the output on the expert's tokens; nil without tokens.
    package var outputError: Double?
    /// Element type of the factors.
    package var type: String
  }

  /// What came of it.
  package struct Result: Sendable {
    /// The plan with all that was measured.
    package var plan: CompressionPlan
    /// Bytes of the pack.
    package var outputBytes: Int
    /// Bytes its routed experts take in it.
    package var outputExpertBytes: Int
    /// Records of the factored matrices by layer.
    package var factoring: [Int: [FactoringRecord]]
  }

  private let planner: Planner
  private let tool: String
  private var checkpoint: Checkpoint { planner.checkpoint }
  private var threads: Int { planner.threads }

  /// A compressor for what `planner` plans.
  package init(_ planner: Planner, tool: String) {
    self.planner = planner
    self.tool = tool
  }

  /// Writes the pack.
  ///
  /// - Parameters:
  ///   - plan: Kept experts and, if `hasRanks`, ranks and types.
  ///   - hasRanks: Whether ranks are given; otherwise they are made as layers are measured.
  ///   - destination: Where the pack appears once it is whole.
  /// - Returns: The plan as carried out, sizes in bytes and the errors of the factors.
  /// - Throws: `CheckpointError` if weights are missing or not finite, `PackError` for what a pack
  ///   cannot hold, `LinearAlgebraError` if factoring fails, `StorageError` for files.
  package func run(_ plan: CompressionPlan, hasRanks: Bool, to destination: FilePath) throws
    -> Result
  {
    let c = try checkpoint.requireConfiguration()
    let writer = try PackWriter(replacing: destination, threads: threads)
    try addFiles(to: writer)
    var result = Result(plan: plan, outputBytes: 0, outputExpertBytes: 0, factoring: [:])
    let byLayer = Dictionary(grouping: checkpoint.tensors.indices) { index in
      checkpoint.places[index].layer.flatMap { $0 < c.layerCount ? $0 : nil } ?? -1
    }
    func copyPlain(_ layer: Int) throws {
      for index in byLayer[layer] ?? [] {
        let place = checkpoint.places[index]
        if place.role.isExpert || place.role == .router { continue }
        try copy(index, to: writer)
      }
    }
    try copyPlain(-1)
    try planner.observer.stage("factor and pack", total: c.layerCount) { advance in
      try planner.prunedPass(plan).run(
        ids: planner.stream.ids,
        context: planner.stream.context,
        spoolFolder: planner.spoolFolder
      ) { index, state in
        try copyPlain(index)
        if let state, let place = result.plan.layers.firstIndex(where: { $0.layer == index }) {
          if !hasRanks {
            planner.allocateRanks(&result.plan.layers[place], importance: state.importance)
          }
          try addRouter(index, kept: state.kept, to: writer)
          let written = try addExperts(result.plan.layers[place], state, to: writer)
          result.outputExpertBytes += written.bytes
          result.factoring[index] = written.records
        }
        advance()
      }
    }
    try writer.finish(model: modelSection(result.plan))
    result.outputBytes = writer.byteCount
    return result
  }

  // MARK: - Plain tensors and files

  private func copy(_ index: Int, to writer: PackWriter) throws {
    let tensor = checkpoint.tensors[index]
    let source = checkpoint.source
    try writer.addTensor(
      TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape),
      byteCount: tensor.byteCount
    ) { try source.read(tensor: index, bytes: $0, into: $1) }
  }

  /// The router's rows of the kept experts.
  private func addRouter(_ layer: Int, kept: [Int], to writer: PackWriter) throws {
    guard let index = checkpoint.index(of: TensorPlace(.router, layer: layer)) else { return }
    let tensor = checkpoint.tensors[index]
    let rowBytes = tensor.byteCount / max(tensor.shape[0], 1)
    let all = try checkpoint.source.bytes(ofTensor: index)
    let bytes = kept.flatMap { all[$0 * rowBytes..<($0 + 1) * rowBytes] }
    try writer.addTensor(
      TensorLayout(
        name: tensor.name,
        type: tensor.type,
        shape: [kept.count] + tensor.shape.dropFirst()
      ),
      byteCount: bytes.count,
      source: Compressor.source(of: bytes)
    )
  }

  private static func source(of bytes: [UInt8]) -> PackWriter.Source {
    { range, buffer in
      bytes.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
      }
    }
  }

  /// Configuration, tokenizer, templates and licence texts, so that one file is the model.
  private func addFiles(to writer: PackWriter) throws {
    for name in try ModelFiles(checkpoint).names {
      guard let bytes = try checkpoint.auxiliaryFile(name) else { continue }
      try writer.addFile(path: name, byteCount: bytes.count, source: Compressor.source(of: bytes))
    }
  }

  // MARK: - Experts

  private func addExperts(
    _ plan: CompressionPlan.Layer,
    _ state: PrunedPass.LayerState,
    to writer: PackWriter
  ) throws -> (bytes: Int, records: [FactoringRecord]) {
    let isFactored = plan.ranks.contains { $0.contains { $0 != nil } }
    let method = planner.options.factoring
    let moment =
      isFactored && method == .whitened ? try state.layerMoment(threads: threads) : nil
    let preparation = ExpertPreparation(
      checkpoint,
      plan: plan,
      state: state,
      factoring: ExpertFactoring(method, layerMoment: moment),
      rows: isFactored ? state.rowsByExpert(threads: threads) : []
    )
    var bytes = 0
    var records: [FactoringRecord] = []
    // As many experts side by side as there are threads; written in order.
    for start in stride(from: 0, to: plan.kept.count, by: threads) {
      let batch = start..<min(start + threads, plan.kept.count)
      let prepared = try parallelMap(count: batch.count, threads: threads) { slot in
        try preparation.prepare(batch.lowerBound + slot)
      }
      for expert in prepared {
        let written = try write(expert, plan, to: writer)
        bytes += written.bytes
        records += written.records
      }
    }
    return (bytes, records)
  }

  private func write(
    _ prepared: PreparedExpert,
    _ plan: CompressionPlan.Layer,
    to writer: PackWriter
  ) throws
    -> (bytes: Int, records: [FactoringRecord])
  {
    var bytes = 0
    var records: [FactoringRecord] = []
    for (place, projection) in Projection.allCases.enumerated() {
      let tensorPlace = TensorPlace(projection.role, layer: plan.layer, expert: prepared.expert)
      guard let names = checkpoint.names,
        let matrix = checkpoint.expertMatrix(
          layer: plan.layer,
          expert: prepared.expert,
          projection: projection
        )
      else { continue }
      let name = names.name(of: tensorPlace)
      var packed = PackMatrix(
        layer: plan.layer,
        expert: prepared.expert,
        projection: projection.packed,
        form: .dense,
        rows: matrix.rows,
        columns: matrix.columns,
        parts: []
      )
      if let result = prepared.results[place] {
        let rank = try rank(of: result, rows: matrix.rows)
        for (suffix, part, columns) in [
          ("#u", result.left, matrix.rows), ("#v", result.right, matrix.columns),
        ] {
          let added = try writer.addTensor(
            TensorLayout(name: name + suffix, type: result.type, shape: [rank, columns]),
            byteCount: part.count,
            source: Compressor.source(of: part)
          )
          packed.parts.append(added.part)
          bytes += added.storedBytes
        }
        packed.form = .factors
        records.append(
          FactoringRecord(
            expert: prepared.expert,
            projection: projection.rawValue,
            rank: rank,
            weightError: result.weightError,
            outputError: result.outputError,
            type: result.type.name
          )
        )
      } else if case .dense(let tensor, let offset) = matrix.form {
        let source = checkpoint.source
        let type = checkpoint.tensors[tensor].type
        let count = try type.byteCount(shape: [matrix.rows, matrix.columns])
        let added = try writer.addTensor(
          TensorLayout(name: name, type: type, shape: [matrix.rows, matrix.columns]),
          byteCount: count
        ) { range, buffer in
          try source.read(
            tensor: tensor,
            bytes: range.lowerBound + offset..<range.upperBound + offset,
            into: buffer
          )
        }
        packed.parts = [added.part]
        bytes += added.storedBytes
      }
      writer.addMatrix(packed)
    }
    return (bytes, records)
  }

  private func rank(of result: ExpertFactoring.Result, rows: Int) throws -> Int {
    result.left.count / (try result.type.byteCount(shape: [rows]))
  }

  // MARK: - Model section

  private func modelSection(_ plan: CompressionPlan) -> JSONValue {
    let layers = plan.layers.map { layer -> JSONValue in
      let matrix = checkpoint.expertMatrix(
        layer: layer.layer,
        expert: layer.kept[0],
        projection: .gate
      )
      let type = matrix.map { checkpoint.elementType(of: $0).name }
      return [
        "layer": JSONValue(layer.layer), "experts": JSONValue(layer.experts),
        "kept": JSONValue(layer.kept), "topK": JSONValue(checkpoint.configuration?.topK ?? 0),
        "type": JSONValue(type),
      ]
    }
    return [
      "kind": "compressed", "tool": .string(tool), "layers": .array(layers), "plan": plan.json,
    ]
  }
}
