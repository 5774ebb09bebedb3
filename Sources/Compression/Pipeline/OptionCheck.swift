internal import Checkpoint
internal import Pack
internal import SystemPackage

/// Every rule about options and model that can be checked before a tensor is read.
struct OptionCheck {
  private let checkpoint: Checkpoint
  private let options: MethodOptions

  init(_ checkpoint: Checkpoint, _ options: MethodOptions) {
    self.checkpoint = checkpoint
    self.options = options
  }

  func run() throws {
    let c = try checkpoint.requireConfiguration()
    let model = checkpoint.location.path.string
    guard !c.moeLayers.isEmpty else { throw PlanError.noExperts(model: model) }
    for (layer, experts) in options.protected.sorted(by: { $0.key < $1.key }) {
      for expert in experts
      where !c.isMixture(layer) || !(0..<c.expertCount).contains(expert) {
        throw PlanError.unknownExpert(layer: layer, expert: expert)
      }
    }
    var combinations = 1
    for _ in 0..<options.receptionBlocks where combinations <= 10_000 {
      combinations *= options.receptionSets
    }
    guard combinations <= 10_000 else {
      throw PlanError.tooManyCombinations(
        sets: options.receptionSets,
        blocks: options.receptionBlocks
      )
    }
    try checkCounts(c)
    try checkRanks(c)
    try checkCompressible(c, model)
  }

  private func checkCounts(_ c: ModelConfiguration) throws {
    let layers = c.moeLayers.map { layer in
      let protected = options.protected[layer]?.count ?? 0
      return PruningCounts.Layer(
        experts: c.expertCount,
        most: max(0, min(c.expertCount - c.topK, c.expertCount - protected)),
        importance: 1
      )
    }
    let counts = try PruningCounts.counts(
      layers,
      ratio: options.prune,
      allocation: options.allocation,
      lambda: options.lambda
    )
    if options.selection == .exhaustive, let most = counts.max() {
      guard let sets = ExpertSetSearch.binomial(c.expertCount, most),
        sets <= ExpertSetSearch.exhaustiveLimit
      else { throw PlanError.tooManySets(experts: c.expertCount, pruned: most) }
    }
  }

  private func checkRanks(_ c: ModelConfiguration) throws {
    let breakEven = breakEvenRank(rows: c.expertWidth, columns: c.hiddenSize)
    guard let average = options.averageRank(rows: c.expertWidth, columns: c.hiddenSize) else {
      return
    }
    let shown = (breakEven * 100).rounded(.down) / 100
    guard average < breakEven else { throw PlanError.rankTooLarge(rank: average, breakEven: shown) }
    guard average >= 1 else { throw PlanError.rankTooSmall(rank: average) }
    guard Double(options.rankMultiple) < breakEven else {
      throw PlanError.rankMultipleTooLarge(multiple: options.rankMultiple, breakEven: shown)
    }
  }

  /// A compressed pack is a result, not a source: its factors are not factored again.
  private func checkCompressible(_ c: ModelConfiguration, _ model: String) throws {
    guard case .pack(let pack) = checkpoint.format, !pack.isLossless else { return }
    throw PlanError.notCompressible(
      model: model,
      reason: "is compressed already; compress the original with other options"
    )
  }
}
