package import Checkpoint
internal import Pack
internal import SystemPackage

/// Every rule about options and model that can be checked before a tensor is read.
package struct OptionCheck {
  private let checkpoint: Checkpoint
  private let options: MethodOptions

  /// A check of `options` for `checkpoint`.
  package init(_ checkpoint: Checkpoint, _ options: MethodOptions) {
    self.checkpoint = checkpoint
    self.options = options
  }

  /// Runs it.
  ///
  /// - Throws: ``PlanError`` for the first rule that is broken.
  package func run() throws {
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
      PruningCounts.Layer(
        experts: c.expertCount,
        topK: c.topK,
        protected: options.protected[layer]?.count ?? 0,
        importance: 1
      )
    }
    let counts = try PruningCounts.counts(
      layers,
      ratio: options.prune,
      allocation: options.allocation,
      lambda: options.lambda
    )
    guard options.selection == .exhaustive else { return }
    for (layer, count) in zip(c.moeLayers, counts) {
      let choices = c.expertCount - (options.protected[layer]?.count ?? 0)
      guard let sets = ExpertSetSearch.binomial(choices, count),
        sets <= ExpertSetSearch.exhaustiveLimit
      else { throw PlanError.tooManySets(experts: choices, pruned: count) }
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
    let isCompressedPack =
      if case .pack(let pack) = checkpoint.format { !pack.isLossless } else { false }
    guard isCompressedPack || checkpoint.factored != nil else { return }
    throw PlanError.notCompressible(
      model: model,
      reason: "is compressed already; compress the original with other options"
    )
  }
}
