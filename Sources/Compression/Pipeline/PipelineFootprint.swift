internal import Calibration
package import Checkpoint
internal import Inference
internal import LinearAlgebra
internal import Pack

/// An upper bound of the bytes of memory the stages need, from shapes, options and threads.
package struct PipelineFootprint: Sendable {
  /// A stage with a peak of its own.
  package enum Stage: Sendable, CaseIterable {
    /// Calibration of the original model.
    case measure
    /// Search and reception field.
    case choose
    /// The pass through the pruned model.
    case measureAgain
    /// The same with factoring.
    case factor

    /// The options that lower its peak.
    package var remedy: String {
      switch self {
      case .measure: "fewer --tokens or --search-tokens, or a smaller --context"
      case .choose: "fewer --reception-tokens, --reception-sets or --search-tokens"
      case .measureAgain, .factor: "fewer --tokens or a smaller --context"
      }
    }
  }

  private let c: ModelConfiguration
  private let options: MethodOptions
  private let tokens: Int
  private let context: Int
  private let threads: Int
  private let tensors: Int
  private let largestTensor: Int
  private let gathersImportance: Bool
  private let forward: ForwardFootprint

  /// A footprint of a run on a model with `tensors` tensors, the largest of `largestTensor` bytes;
  /// `gathersImportance` says that calibration makes an importance matrix, too.
  package init(
    _ configuration: ModelConfiguration,
    options: MethodOptions,
    tokens: Int,
    context: Int,
    threads: Int,
    tensors: Int,
    largestTensor: Int,
    gathersImportance: Bool = false
  ) {
    c = configuration
    self.options = options
    self.tokens = tokens
    self.context = context
    self.threads = threads
    self.tensors = tensors
    self.largestTensor = largestTensor
    self.gathersImportance = gathersImportance
    forward = ForwardFootprint(configuration, length: context, threads: threads)
  }

  /// The largest peak of `stages`, in bytes; `spools` says that streams are on disk.
  package func byteCount(_ stages: Set<Stage>, spools: Bool) -> Int {
    let peaks = stages.map { byteCount($0, spools: spools) }
    return PipelineFootprint.base(tensors: tensors) + tokens * 8 + (peaks.max() ?? 0)
  }

  /// Bytes of a run that reads no weights.
  package static func withoutStages(_ checkpoint: Checkpoint) -> Int {
    base(tensors: checkpoint.tensors.count)
  }

  /// The program, and what is known of the model's tensors.
  private static func base(tensors: Int) -> Int { 50_000_000 + tensors * 900 }

  /// The stage of `stages` that needs most.
  package func largest(of stages: Set<Stage>, spools: Bool) -> Stage? {
    Stage.allCases.filter(stages.contains)
      .max { byteCount($0, spools: spools) < byteCount($1, spools: spools) }
  }

  private func byteCount(_ stage: Stage, spools: Bool) -> Int {
    switch stage {
    case .measure: measure(spools: spools)
    case .choose: choose
    case .measureAgain: pruned(spools: spools) + measuring
    case .factor:
      pruned(spools: spools) + max(measuring, forward.layerWeights + factor)
        + PackWriter.encodingBytes(threads: threads, largestPart: largestTensor)
    }
  }

  private var stream: Int { HiddenStream.byteCount(tokens: tokens, width: c.hiddenSize) }

  /// Streams in memory, or the one group that is.
  private func streams(_ count: Int, spools: Bool) -> Int {
    let group = 4 * forward.groupTokens(of: tokens) * c.hiddenSize
    return count * (spools ? group : stream)
  }

  /// Outputs of each token's experts in a block, and that block's rows; `width` is the most experts a
  /// token has.
  private func block(width: Int) -> Int {
    let rows = forward.groupTokens(of: tokens)
    let outputs = min(TokenOutputs.blockBytes, 4 * rows * c.hiddenSize * width)
    return max(outputs, 4 * c.hiddenSize * width) + 4 * rows * c.hiddenSize
  }

  private var sample: (tokens: Int, candidates: Int) {
    let most = PruningCounts.most(experts: c.expertCount, topK: c.topK, options: options)
    return (
      min(options.searchTokens ?? tokens, tokens),
      SamplePlan.candidateCount(experts: c.expertCount, topK: c.topK, mostPruned: most)
    )
  }

  private func measure(spools: Bool) -> Int {
    let (n, candidates) = sample
    let numbers = n * (candidates * (candidates + 1) / 2 + c.expertCount + candidates)
    return streams(1, spools: spools) + forward.byteCount(tokens: tokens) + 8 * numbers
      + block(width: max(c.topK + 1, candidates)) + (gathersImportance ? importance : 0)
  }

  /// Sums of one layer, the file's header, and the list of an expert's rows that count.
  private var importance: Int {
    let layout = ImportanceLayout(c)
    return layout.layerBytes + layout.headerBytes + 8 * forward.groupTokens(of: tokens)
  }

  private var choose: Int {
    guard options.prune > 0 else { return 0 }
    let (n, candidates) = sample
    let search =
      4 * n * (candidates * (candidates + 1) / 2 + 4 * candidates)
      + 16 * n * (c.expertCount + c.topK) + 16_000_000
    let rows = min(options.receptionTokens, tokens)
    let bytes = 4 * rows * c.hiddenSize
    var prefixes = 1
    // More than 10,000 combinations are refused before anything runs.
    let block = max(1, min(options.receptionBlocks, c.moeLayers.count))
    for _ in 1..<block where prefixes <= 10_000 {
      prefixes *= options.receptionSets
    }
    let combinations = prefixes * options.receptionSets
    // One row of every combination is there at least.
    let children = min(
      max(ReceptionField.childBytes, 4 * c.hiddenSize * combinations),
      combinations * bytes
    )
    // The inputs of those children's rows, and what one expert makes of them if it gets all.
    let inputs = children / max(1, options.receptionSets)
    let seen = inputs / (4 * c.hiddenSize)
    let expert = 4 * seen * (2 * c.hiddenSize + 2 * c.expertWidth) + forward.expertWeights
    let field =
      2 * bytes + 2 * prefixes * bytes + children + inputs
      + max(forward.byteCount(tokens: rows), forward.layerWeights + expert)
    return max(search, field + min(field, MappingPool.keptLimit))
  }

  /// Streams, experts' inputs and router logits of a layer of the pruned model.
  private func pruned(spools: Bool) -> Int {
    streams(2, spools: spools) + 4 * tokens * c.expertCount
  }

  /// What measuring a layer of the pruned model needs beside them; given back before factoring.
  private var measuring: Int { forward.byteCount(tokens: tokens) + block(width: c.topK + 1) }

  /// What each worker holds while it factors an expert, and the layer's moment.
  private var factor: Int {
    let (h, i) = (c.hiddenSize, c.expertWidth)
    let rows = min(tokens, ExpertTokens.pieceTokens(of: tokens, c, pruned: options.prune))
    let side = min(h, i)
    let worker = 4 * rows * (2 * h + 4 * i) + 4 * 3 * h * i + 8 * 4 * side * side + 4 * 3 * h * i
    // Factors that wait to be written.
    let rank = options.averageRank(rows: i, columns: h).map { Int(1.5 * $0) } ?? 0
    let waiting =
      2 * threads * (options.factorType == "F32" ? 4 : 2) * 3 * min(rank, side) * (h + i)
    // The moment of all tokens and its root; more while the root is computed.
    let isWhitened = options.factoring == .whitened
    return max(
      isWhitened ? 24 * h * h : 0,
      (isWhitened ? 4 * h * h : 0) + threads * worker + waiting
    )
  }
}
