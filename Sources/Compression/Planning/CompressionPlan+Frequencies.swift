package import Checkpoint
package import ImportanceMatrix
internal import SystemPackage

extension CompressionPlan {
  /// A plan that prunes the experts which an importance matrix says are used least, without looking
  /// at weights or text: every layer loses the same number, and nothing is factored.
  ///
  /// The counts of `ffn_gate_exps` and its like are tokens per expert (Formats/imatrix.md); of equal
  /// ones the lower number stays.
  ///
  /// - Parameters:
  ///   - matrix: The importance matrix.
  ///   - checkpoint: The model it was made of.
  ///   - options: `prune`, `protected` and `factorType` are looked at.
  /// - Throws: ``PlanError/noFrequencies(file:layer:reason:)`` if the matrix does not say how often
  ///   the experts of a layer are used, ``PlanError`` for options that ``OptionCheck`` refuses.
  package init(
    pruningBy matrix: ImportanceMatrix,
    of checkpoint: Checkpoint,
    options: MethodOptions
  ) throws {
    var options = options
    options.selection = .frequency
    options.allocation = .uniform
    options.rank = .dense
    try OptionCheck(checkpoint, options).run()
    let c = try checkpoint.requireConfiguration()
    let counts = PruningCounts.uniform(
      c.moeLayers.map { _ in
        PruningCounts.Layer(experts: c.expertCount, topK: c.topK, importance: 0)
      },
      ratio: options.prune
    )
    let layers = try zip(c.moeLayers, counts).map { layer, count -> Layer in
      var entry = Layer(layer, experts: c.expertCount, tokens: 0)
      // A layer that loses none needs no counts.
      if count > 0 {
        let use = try CompressionPlan.expertTokens(matrix, layer: layer, experts: c.expertCount)
        let protected = Set(options.protected[layer] ?? [])
        let pruned = ExpertSetSearch.leastUsed(
          count,
          of: entry.kept.filter { !protected.contains($0) },
          use: use.map(Double.init)
        )
        entry.tokens = use.reduce(0, +) / c.topK
        entry.expertTokens = use
        entry.kept.removeAll(where: pruned.contains)
      }
      entry.ranks = entry.kept.map { _ in [nil, nil, nil] }
      entry.types = entry.kept.map { _ in options.factorType }
      return entry
    }
    self.init(
      model: checkpoint.fingerprint,
      stream: nil,
      options: options.json,
      layers: layers,
      receptionField: []
    )
  }

  private static func expertTokens(_ matrix: ImportanceMatrix, layer: Int, experts: Int) throws
    -> [Int]
  {
    let file = matrix.file?.string ?? "importance matrix"
    func missing(_ reason: String) -> PlanError {
      .noFrequencies(file: file, layer: layer, reason: reason)
    }
    guard matrix.form == .gguf else {
      throw missing("the legacy form keeps no count per expert")
    }
    guard let counts = matrix.expertCounts(layer: layer) else {
      throw missing("there is no entry of its experts with a count for each")
    }
    guard counts.count == experts else {
      throw missing("it counts \(counts.count) experts, and the model has \(experts)")
    }
    // A sum of floats that large is past anything counted.
    guard counts.allSatisfy({ $0 <= 1e15 }) else { throw missing("a count is past 1e15") }
    guard counts.contains(where: { $0 > 0 }) else { throw missing("no token reached its experts") }
    return counts.map { Int($0) }
  }
}
