internal import Checkpoint
internal import Evaluation
internal import Inference
internal import JSON
internal import Pack
internal import Parallelism
internal import Storage
package import SystemPackage
internal import Tensors

/// Carries a plan out: streams every tensor from the source to a pack, pruning and factoring
/// experts one by one.
package struct Compressor {
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

  /// The result of an earlier run whose pack was whole, put in place if it is not yet; nil if
  /// there is none.
  ///
  /// - Parameter destination: Where the pack is to be.
  /// - Returns: What the earlier run recorded.
  /// - Throws: `StorageError.lostWorkFile` if the pack is not the one that was recorded.
  package func finished(_ destination: FilePath) throws -> Result? {
    guard let record = try PackWriter.placed(destination, planner.work?.journal) else { return nil }
    guard let result = try Result(json: record, for: checkpoint, file: destination.string) else {
      throw StorageError.lostWorkFile(path: destination)
    }
    return result
  }

  /// Writes the pack, or goes on with one.
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
    let output = try CompressionOutput(
      destination,
      threads: threads,
      journal: planner.work?.journal
    )
    try addFiles(to: output.writer)
    var result = Result(plan: plan, outputBytes: 0, outputExpertBytes: 0, factoring: [:])
    let byLayer = Dictionary(grouping: checkpoint.tensors.indices) { index in
      checkpoint.places[index].layer.flatMap { $0 < c.layerCount ? $0 : nil } ?? -1
    }
    func add(_ index: Int, importance: JSONValue, _ state: PrunedPass.LayerState?) throws {
      try copyPlain(byLayer[index] ?? [], to: output.writer)
      if !hasRanks { planner.allocateRanks(in: &result.plan, layer: index, importance: importance) }
      guard let layer = result.plan.layers.first(where: { $0.layer == index }) else { return }
      try addRouter(layer, to: output.writer)
      let written = try addExperts(layer, state, to: output)
      result.outputExpertBytes += written.bytes
      result.factoring[index] = written.records
    }
    try copyPlain(byLayer[-1] ?? [], to: output.writer)
    try output.vouch()
    try planner.observer.stage("factor and pack", total: c.layerCount) { advance in
      let record = try planner.work?.pass("factor and pack")
      for (index, note) in (record?.notes ?? []).enumerated() {
        try add(index, importance: note, nil)
        advance()
      }
      try planner.prunedPass(plan).run(
        ids: planner.stream.ids,
        context: planner.stream.context,
        spoolFolder: planner.spoolFolder,
        record: record
      ) { index, state in
        let importance = state.map { JSONValue($0.importance) } ?? .null
        try add(index, importance: importance, state)
        try output.vouch()
        advance()
        return importance
      }
    }
    try output.writer.finish(
      model: modelSection(result.plan),
      journal: planner.work?.journal,
      result: result.json
    )
    result.outputBytes = output.writer.byteCount
    return result
  }

  // MARK: - Plain tensors and files

  private func copyPlain(_ indices: [Int], to writer: PackWriter) throws {
    for index in indices {
      let role = checkpoint.places[index].role
      if !role.isExpert, role != .router { try copy(index, to: writer) }
    }
  }

  private func copy(_ index: Int, to writer: PackWriter) throws {
    let checkpoint = checkpoint
    let tensor = checkpoint.tensors[index]
    try writer.addTensor(
      TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape),
      byteCount: tensor.byteCount
    ) { try checkpoint.values.readFinite(tensor: index, bytes: $0, into: $1) }
  }

  /// The router's rows of the kept experts.
  private func addRouter(_ layer: CompressionPlan.Layer, to writer: PackWriter) throws {
    guard let index = checkpoint.index(of: TensorPlace(.router, layer: layer.layer)) else { return }
    let kept = layer.kept
    let tensor = checkpoint.tensors[index]
    let rowBytes = tensor.byteCount / max(tensor.shape[0], 1)
    var all = [UInt8](repeating: 0, count: tensor.byteCount)
    try all.withUnsafeMutableBytes {
      try checkpoint.values.readFinite(tensor: index, bytes: 0..<tensor.byteCount, into: $0)
    }
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

  /// Writes a layer's experts; `state` is nil where an earlier run has written all of them.
  private func addExperts(
    _ plan: CompressionPlan.Layer,
    _ state: PrunedPass.LayerState?,
    to output: CompressionOutput
  ) throws -> (bytes: Int, records: [FactoringRecord]) {
    var bytes = 0
    var records: [FactoringRecord] = []
    func add(_ expert: Int, _ factors: [FactoredMatrix?]) throws {
      bytes += try write(expert, plan, factors, to: output.writer)
      records += factors.compactMap { $0?.record }
    }
    let done = plan.kept.prefix { output.finished(layer: plan.layer, expert: $0) != nil }
    for expert in done {
      try add(expert, output.finished(layer: plan.layer, expert: expert) ?? [])
    }
    guard done.count < plan.kept.count else { return (bytes, records) }
    guard let state else { throw StorageError.lostWorkFile(path: output.journalPath) }
    let preparation = try preparation(plan, state)
    try parallelInOrder(count: plan.kept.count - done.count, threads: threads) {
      try preparation.prepare(done.count + $0)
    } consume: { expert in
      try add(expert.expert, expert.factors)
      try output.vouch(layer: plan.layer, expert: expert.expert, expert.factors)
    }
    return (bytes, records)
  }

  private func preparation(_ plan: CompressionPlan.Layer, _ state: PrunedPass.LayerState) throws
    -> ExpertPreparation
  {
    let c = try checkpoint.requireConfiguration()
    let isFactored = plan.ranks.contains { $0.contains { $0 != nil } }
    let method = planner.options.factoring
    let moment =
      isFactored && method == .whitened ? try state.layerMoment(threads: threads) : nil
    return ExpertPreparation(
      checkpoint,
      plan: plan,
      state: state,
      factoring: try ExpertFactoring(
        method,
        layerMoment: moment,
        expertWidth: c.expertWidth
      ),
      rows: isFactored ? state.rowsByExpert(threads: threads) : [],
      pieceTokens: ExpertTokens.pieceTokens(
        of: planner.stream.ids.count,
        c,
        pruned: planner.options.prune
      )
    )
  }

  /// Writes one expert's matrices, as factors where there are some, and returns the bytes they take.
  private func write(
    _ expert: Int,
    _ plan: CompressionPlan.Layer,
    _ factors: [FactoredMatrix?],
    to writer: PackWriter
  ) throws -> Int {
    var bytes = 0
    for (place, projection) in Projection.allCases.enumerated() {
      let tensorPlace = TensorPlace(projection.role, layer: plan.layer, expert: expert)
      guard let names = checkpoint.names,
        let matrix = checkpoint.expertMatrix(
          layer: plan.layer,
          expert: expert,
          projection: projection
        )
      else { continue }
      let name = names.name(of: tensorPlace)
      let added =
        if let factors = factors[place] {
          try addFactors(factors, name: name, matrix, to: writer)
        } else {
          try addDense(matrix, name: name, to: writer)
        }
      bytes += added.reduce(0) { $0 + $1.storedBytes }
      writer.addMatrix(
        PackMatrix(
          layer: plan.layer,
          expert: expert,
          projection: projection.packed,
          form: factors[place] == nil ? .dense : .factors,
          rows: matrix.rows,
          columns: matrix.columns,
          parts: added.map(\.part)
        )
      )
    }
    return bytes
  }

  private typealias Added = (part: Int, storedBytes: Int)

  private func addFactors(
    _ factors: FactoredMatrix,
    name: String,
    _ matrix: ExpertMatrix,
    to writer: PackWriter
  ) throws -> [Added] {
    let record = factors.record
    let type = ElementType(name: record.type)
    return try [("#u", factors.left, matrix.rows), ("#v", factors.right, matrix.columns)].map {
      suffix,
      bytes,
      columns in
      let shape = [record.rank, columns]
      return try writer.addTensor(
        TensorLayout(name: name + suffix, type: type, shape: shape),
        byteCount: try type.byteCount(shape: shape),
        source: Compressor.source(of: bytes)
      )
    }
  }

  private func addDense(_ matrix: ExpertMatrix, name: String, to writer: PackWriter) throws
    -> [Added]
  {
    guard case .dense(let tensor, let offset) = matrix.form else { return [] }
    let checkpoint = checkpoint
    let type = checkpoint.tensors[tensor].type
    let shape = [matrix.rows, matrix.columns]
    return [
      try writer.addTensor(
        TensorLayout(name: name, type: type, shape: shape),
        byteCount: try type.byteCount(shape: shape)
      ) { range, buffer in
        try checkpoint.values.readFinite(
          tensor: tensor,
          bytes: range.lowerBound + offset..<range.upperBound + offset,
          into: buffer
        )
      }
    ]
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
