package import Calibration
package import Checkpoint
package import Evaluation
internal import ImportanceMatrix
internal import Inference
internal import JSON
internal import Storage
package import SystemPackage

/// The stages of MoE-I² (arXiv 2411.01016) up to the plan: measure, count, search, reception field,
/// measure again, ranks.
package struct Planner {
  /// The model to compress.
  package let checkpoint: Checkpoint
  /// The calibration tokens.
  package let stream: TokenStream
  /// The choices of the method.
  package let options: MethodOptions
  /// Threads to use.
  package let threads: Int
  /// Where streams go that do not fit in memory; nil keeps them there.
  package let spoolFolder: FilePath?
  /// Told which stage runs and how far it is.
  package let observer: any PipelineObserver
  /// The run's journal and work files; nil for a run that cannot be gone on with.
  package var work: RunWork?

  private let pass: ForwardPass
  private let configuration: ModelConfiguration

  /// A planner for options that passed an ``OptionCheck``.
  package init(
    _ checkpoint: Checkpoint,
    stream: TokenStream,
    options: MethodOptions,
    threads: Int,
    spoolFolder: FilePath?,
    observer: any PipelineObserver
  ) throws {
    self.checkpoint = checkpoint
    self.stream = stream
    self.options = options
    self.threads = threads
    self.spoolFolder = spoolFolder
    self.observer = observer
    pass = try ForwardPass(checkpoint, threads: threads)
    configuration = pass.configuration
  }

  // MARK: - Stage one

  /// Which tokens and experts are sampled.
  package var samplePlan: SamplePlan {
    let most = PruningCounts.most(
      experts: configuration.expertCount,
      topK: configuration.topK,
      options: options
    )
    return SamplePlan(
      tokens: stream.ids.count,
      wanted: options.searchTokens ?? stream.ids.count,
      candidates: SamplePlan.candidateCount(
        experts: configuration.expertCount,
        topK: configuration.topK,
        mostPruned: most
      )
    )
  }

  /// Bytes of the statistics this run measures.
  package var statisticsBytes: Int {
    StatisticsLayout.byteCount(
      layers: configuration.moeLayers.count,
      experts: configuration.expertCount,
      plan: samplePlan
    )
  }

  /// Bytes of streams on disk: two slots to go on from, of one stream or of two short ones, and
  /// where streams are spooled what a layer's stream and inputs take.
  package var streamBytes: Int {
    let width = configuration.hiddenSize
    let whole = HiddenStream.byteCount(tokens: stream.ids.count, width: width)
    let reception = min(options.receptionTokens, stream.ids.count)
    let slots = max(2 * whole, 4 * HiddenStream.byteCount(tokens: reception, width: width))
    return slots + (spoolFolder == nil ? 0 : 2 * whole)
  }

  /// What a statistics file must say to be this model's on this stream.
  package var statisticsMetadata: [(key: String, value: String)] {
    [
      ("format", "moepack-statistics"), ("version", "1"), ("model", checkpoint.fingerprint),
      ("stream", stream.fingerprint), ("tokens", String(stream.ids.count)),
      ("context", String(stream.context)),
    ]
  }

  /// The journal's key for statistics that are whole, in place or only to be renamed.
  package static let measured = "stage.measure"

  /// Measures the original model into a statistics file; one that an earlier run finished stays.
  ///
  /// - Parameters:
  ///   - path: Where it goes.
  ///   - tool: What its metadata call this program.
  ///   - importance: Where an importance matrix of the same pass goes; nil makes none.
  /// - Throws: `CheckpointError` if weights are missing or not finite, `StorageError` if a file
  ///   cannot be read or written, or is not the one an earlier run left.
  package func calibrate(
    to path: FilePath,
    tool: String,
    importance: ImportanceRecord.Output? = nil
  ) throws {
    // The importance matrix is put in place first.
    let isImportancePlaced = importance.map { isPlaced($0.path) } ?? true
    if let importance, isImportancePlaced, let work {
      try ImportanceRecord.check(
        importance.path,
        configuration,
        notes: try work.pass("measure").notes.map { CalibrationNote(json: $0).importance }
      )
    }
    if let work, isPlaced(path) { return try check(path, work) }
    let record =
      try isImportancePlaced
      ? nil
      : importance.map {
        try ImportanceRecord(
          $0,
          configuration,
          windows: stream.windowCount,
          context: stream.context,
          isResumable: work != nil
        )
      }
    let plan = samplePlan
    let writer = try StatisticsWriter(
      replacing: path,
      layers: configuration.moeLayers,
      experts: configuration.expertCount,
      plan: plan,
      metadata: statisticsMetadata + [("tool", tool)],
      isResumable: work != nil
    )
    try observer.stage("measure", total: configuration.layerCount) { advance in
      try Calibrator(pass).run(
        ids: stream.ids,
        context: stream.context,
        plan: plan,
        into: writer,
        importance: record,
        spoolFolder: spoolFolder,
        record: try work?.pass("measure")
      ) { _ in advance() }
      try writer.sync()
      try record?.sync()
      try work?.journal.append(Planner.measured, true)
      try record?.finish()
      try writer.finish()
    }
  }

  /// Whether an earlier run measured all there is and put the file at `path` in place.
  private func isPlaced(_ path: FilePath) -> Bool {
    work?.journal.last(Planner.measured) != nil
      && !FileSystem.exists(ReplacementFile.workPath(of: path))
  }

  /// Bytes of an importance matrix, at most.
  package var importanceBytes: Int {
    ImportanceMatrixWriter.byteCount(ImportanceLayout(configuration).shapes)
  }

  /// Refuses statistics that are not those an earlier run finished.
  private func check(_ path: FilePath, _ work: RunWork) throws {
    guard let reader = try? StatisticsReader(path) else {
      throw StorageError.lostWorkFile(path: path)
    }
    for (layer, note) in try work.pass("measure").notes.enumerated()
    where configuration.isMixture(layer) {
      guard CalibrationNote(json: note).statistics == (try reader.checksum(layer: layer)) else {
        throw StorageError.lostWorkFile(path: path)
      }
    }
  }

  /// Everything that is decided on the original model: experts to keep per layer.
  ///
  /// - Parameter statistics: What was measured; nil where nothing is pruned.
  /// - Returns: A plan with kept experts, candidates and reception field; ranks and types follow.
  /// - Throws: `StatisticsError` if the statistics are damaged or of another model, text or option,
  ///   ``PlanError`` if they hold too few candidates or layers cannot lose so many experts.
  package func chooseExperts(from statistics: StatisticsReader?) throws -> CompressionPlan {
    var plan = CompressionPlan(
      model: checkpoint.fingerprint,
      stream: CompressionPlan.Stream(stream),
      options: options.json,
      layers: [],
      receptionField: []
    )
    guard let statistics else {
      plan.layers = configuration.moeLayers.map { unpruned($0, leaveOneOut: []) }
      return plan
    }
    try statistics.check(statisticsMetadata)
    let measured = try configuration.moeLayers.map {
      try statistics.statistics(layer: $0, experts: configuration.expertCount)
    }
    let counts = try pruningCounts(measured)
    try observer.stage("search", total: measured.count) { advance in
      for (number, layer) in configuration.moeLayers.enumerated() {
        let sets = try recorded("search.\(layer)") {
          try search(layer, count: counts[number], measured[number], statistics)
        }
        var entry = unpruned(layer, leaveOneOut: measured[number].leaveOneOut)
        entry.kept = survivors(of: sets[0].pruned)
        entry.candidates = sets
        entry.pruningError = sets[0].error
        plan.layers.append(entry)
        advance()
      }
    }
    try chooseCombinations(&plan)
    return plan
  }

  /// How many experts each MoE layer loses, in the order of the layers.
  package func pruningCounts(_ measured: [ExpertStatistics]) throws -> [Int] {
    let layers = zip(configuration.moeLayers, measured).map { layer, statistics in
      PruningCounts.Layer(
        experts: configuration.expertCount,
        topK: configuration.topK,
        protected: options.protected[layer]?.count ?? 0,
        importance: statistics.importance
      )
    }
    return try PruningCounts.counts(
      layers,
      ratio: options.prune,
      allocation: options.allocation,
      lambda: options.lambda
    )
  }

  /// The sets an earlier run found, or those that `search` finds.
  private func recorded(_ key: String, _ search: () throws -> [ExpertSet]) throws -> [ExpertSet] {
    guard let work else { return try search() }
    let value = try work.once(key) { .array(try search().map(\.json)) }
    return (value.array ?? []).map(ExpertSet.init(json:))
  }

  private func search(
    _ layer: Int,
    count: Int,
    _ measured: ExpertStatistics,
    _ statistics: StatisticsReader
  ) throws -> [ExpertSet] {
    guard count > 0 else { return [ExpertSet(pruned: [], error: 0)] }
    let sample = try statistics.sample(layer: layer, experts: configuration.expertCount)
    let need = SamplePlan.candidateCount(
      experts: configuration.expertCount,
      topK: configuration.topK,
      mostPruned: count
    )
    guard sample.tokenCount == samplePlan.positions.count else {
      throw PlanError.otherSample(
        have: sample.tokenCount,
        want: samplePlan.positions.count
      )
    }
    guard sample.candidates >= need else {
      throw PlanError.tooFewCandidates(layer: layer, have: sample.candidates, need: need)
    }
    let rule = RoutingRule(
      topK: configuration.topK,
      normalizesTopK: configuration.normalizesTopK
    )
    let protected = Set(options.protected[layer] ?? [])
    let search = ExpertSetSearch(
      layer: layer,
      choices: (0..<configuration.expertCount).filter { !protected.contains($0) },
      count: count,
      proposals: options.receptionSets,
      options: options,
      threads: threads
    )
    return try search.run(error: SetError(sample, rule: rule), use: measured.count)
  }

  private func chooseCombinations(_ plan: inout CompressionPlan) throws {
    let candidates = Dictionary(
      uniqueKeysWithValues: plan.layers.map { ($0.layer, $0.candidates.map(\.pruned)) }
    )
    guard candidates.values.contains(where: { $0 != [[]] }) else { return }
    let windows = max(1, min(options.receptionTokens / stream.context, stream.windowCount))
    let field = ReceptionField(pass, candidates: candidates, blockLength: options.receptionBlocks)
    try observer.stage("reception field", total: field.layerCount) { advance in
      plan.receptionField = try field.run(
        ids: Array(stream.ids.prefix(windows * stream.context)),
        context: stream.context,
        record: try work?.pass("reception field")
      ) { _ in advance() }
    }
    for block in plan.receptionField {
      for (layer, choice) in zip(block.layers, block.best[0].choice) {
        guard let place = plan.layers.firstIndex(where: { $0.layer == layer }) else { continue }
        let set = plan.layers[place].candidates[choice]
        plan.layers[place].kept = survivors(of: set.pruned)
        plan.layers[place].pruningError = set.error
      }
    }
  }

  private func unpruned(_ layer: Int, leaveOneOut: [Double]) -> CompressionPlan.Layer {
    var entry = CompressionPlan.Layer(
      layer,
      experts: configuration.expertCount,
      tokens: stream.ids.count
    )
    entry.leaveOneOut = leaveOneOut
    return entry
  }

  private func survivors(of pruned: [Int]) -> [Int] {
    (0..<configuration.expertCount).filter { !pruned.contains($0) }
  }

  // MARK: - Stage two

  /// Fills in a layer's ranks and types from the importance of its kept experts, measured on the
  /// pruned model.
  package func allocateRanks(_ layer: inout CompressionPlan.Layer, importance: [Double]) {
    layer.importanceAfterPruning = importance
    // Where nothing was pruned, the second measurement is the first.
    if layer.leaveOneOut.isEmpty, layer.kept.count == layer.experts {
      layer.leaveOneOut = importance
    }
    layer.types = layer.kept.map { _ in options.factorType }
    let (rows, columns) = (configuration.expertWidth, configuration.hiddenSize)
    guard let average = options.averageRank(rows: rows, columns: columns) else {
      layer.averageRank = nil
      layer.ranksBeforeCap = []
      layer.ranks = layer.kept.map { _ in [nil, nil, nil] }
      return
    }
    let allocation = RankAllocation(
      importance: importance,
      averageRank: average,
      breakEven: breakEvenRank(rows: rows, columns: columns),
      alpha: options.alpha,
      epsilon: options.epsilon,
      multiple: options.rankMultiple
    )
    layer.averageRank = average
    layer.ranksBeforeCap = allocation.beforeCap
    layer.ranks = allocation.ranks.map { [$0, $0, $0] }
  }

  /// The pass through the pruned model of `plan`.
  package func prunedPass(_ plan: CompressionPlan) -> PrunedPass {
    PrunedPass(pass, kept: plan.kept)
  }

  /// The whole plan, without writing anything of the model.
  package func plan(from statistics: StatisticsReader?) throws -> CompressionPlan {
    var plan = try chooseExperts(from: statistics)
    try observer.stage("measure again", total: configuration.layerCount) { advance in
      let record = try work?.pass("measure again")
      for (index, note) in (record?.notes ?? []).enumerated() {
        allocateRanks(in: &plan, layer: index, importance: note)
        advance()
      }
      try prunedPass(plan).run(
        ids: stream.ids,
        context: stream.context,
        spoolFolder: spoolFolder,
        record: record
      ) { index, state in
        let note = state.map { JSONValue($0.importance) } ?? .null
        allocateRanks(in: &plan, layer: index, importance: note)
        advance()
        return note
      }
    }
    return plan
  }

  /// Fills in ranks from importance as it is recorded; null where a layer has no experts.
  func allocateRanks(in plan: inout CompressionPlan, layer: Int, importance: JSONValue) {
    guard let importance = importance.array?.compactMap(\.double),
      let place = plan.layers.firstIndex(where: { $0.layer == layer })
    else { return }
    allocateRanks(&plan.layers[place], importance: importance)
  }
}

extension Planner {
  /// A plan of the size the options lead to, made without measuring anything: uniform counts,
  /// average ranks.
  package func forecast() throws -> CompressionPlan {
    let c = try checkpoint.requireConfiguration()
    let counts = PruningCounts.uniform(
      c.moeLayers.map { _ in
        PruningCounts.Layer(experts: c.expertCount, topK: c.topK, importance: 1)
      },
      ratio: options.prune
    )
    let layers = zip(c.moeLayers, counts).map { layer, count -> CompressionPlan.Layer in
      var entry = CompressionPlan.Layer(
        layer,
        experts: c.expertCount,
        tokens: stream.ids.count
      )
      entry.kept.removeLast(count)
      allocateRanks(&entry, importance: entry.kept.map { _ in 1 })
      return entry
    }
    return CompressionPlan(
      model: checkpoint.fingerprint,
      stream: CompressionPlan.Stream(stream),
      options: options.json,
      layers: layers,
      receptionField: []
    )
  }
}

extension CompressionPlan.Stream {
  /// What a plan keeps of `stream`.
  package init(_ stream: TokenStream) {
    self.init(sha256: stream.fingerprint, tokens: stream.ids.count, context: stream.context)
  }
}
