internal import LinearAlgebra
internal import Parallelism

/// A set of experts to prune from one layer, with its error on the sample.
package struct ExpertSet: Sendable, Equatable {
  /// The experts to prune, ascending.
  package var pruned: [Int]
  /// Relative error of the layer's output, ‖Y_S − Y‖ / ‖Y‖ with S the others.
  package var error: Double

  /// A set with its error.
  package init(pruned: [Int], error: Double) {
    self.pruned = pruned
    self.error = error
  }

  /// Orders sets by error, then by ascending ids.
  package static func isBefore(_ a: ExpertSet, _ b: ExpertSet) -> Bool {
    a.error != b.error ? a.error < b.error : a.pruned.lexicographicallyPrecedes(b.pruned)
  }
}

/// Proposes sets of experts to prune from one layer.
package struct ExpertSetSearch: Sendable {
  /// Experts that may be pruned, ascending.
  package let choices: [Int]
  /// How many are pruned.
  package let count: Int
  /// How many sets to propose, K.
  package let proposals: Int
  private let options: MethodOptions
  private let layer: Int
  private let threads: Int

  /// A search in `layer`.
  package init(
    layer: Int,
    choices: [Int],
    count: Int,
    proposals: Int,
    options: MethodOptions,
    threads: Int
  ) {
    self.layer = layer
    self.choices = choices
    self.count = count
    self.proposals = proposals
    self.options = options
    self.threads = threads
  }

  /// Number of sets there are; nil past 9e15, near 2^53.
  package var setCount: Int? { ExpertSetSearch.binomial(choices.count, count) }

  /// Searches as the options say.
  ///
  /// - Parameters:
  ///   - error: Error of a set on the sample.
  ///   - use: How often each expert is used, by original number; only read by `frequency`.
  /// - Returns: The best sets found, best first: at most `proposals`, at least one.
  /// - Throws: ``PlanError/tooManySets(experts:pruned:)`` if `exhaustive` would have to try more
  ///   than two million sets.
  package func run(error: SetError, use: [Double]) throws -> [ExpertSet] {
    guard count > 0 else { return [ExpertSet(pruned: [], error: 0)] }
    switch options.selection {
    case .frequency:
      let pruned = ExpertSetSearch.leastUsed(count, of: choices, use: use)
      return [ExpertSet(pruned: pruned, error: error(pruning: pruned))]
    case .random:
      var generator = SeededGenerator(seed: options.seed, stream: UInt64(layer))
      let pruned = generator.sample(count, below: choices.count).map { choices[$0] }.sorted()
      return [ExpertSet(pruned: pruned, error: error(pruning: pruned))]
    case .exhaustive:
      guard let sets = setCount, sets <= ExpertSetSearch.exhaustiveLimit else {
        throw PlanError.tooManySets(experts: choices.count, pruned: count)
      }
      return exhaustive(error)
    case .genetic: return genetic(error)
    case .auto:
      let budget =
        Double(options.population)
        + 0.8 * Double(options.population) * Double(options.generations)
      if let sets = setCount, Double(sets) <= budget { return exhaustive(error) }
      return genetic(error)
    }
  }

  /// Most sets that are enumerated.
  static let exhaustiveLimit = 2_000_000

  private func genetic(_ error: SetError) -> [ExpertSet] {
    var search = GeneticSearch(
      choices: choices,
      count: count,
      setCount: setCount,
      options: options,
      generator: SeededGenerator(seed: options.seed, stream: UInt64(layer)),
      threads: threads
    )
    return search.run(error, proposals: proposals)
  }

  /// Every set, in blocks shared by the threads; the best of each block and then of all.
  private func exhaustive(_ error: SetError) -> [ExpertSet] {
    var best: [ExpertSet] = []
    var pending: [[Int]] = []
    func flush() {
      let sets = pending
      let errors = parallelMap(count: sets.count, threads: threads) { error(pruning: sets[$0]) }
      best += zip(sets, errors).map { ExpertSet(pruned: $0, error: $1) }
      best = Array(best.sorted(by: ExpertSet.isBefore).prefix(proposals))
      pending = []
    }
    var places = Array(0..<count)
    while true {
      pending.append(places.map { choices[$0] })
      if pending.count == 4096 { flush() }
      guard let turn = places.indices.last(where: { places[$0] < choices.count - count + $0 })
      else {
        break
      }
      places[turn] += 1
      for next in turn + 1..<max(count, turn + 1) { places[next] = places[next - 1] + 1 }
    }
    flush()
    return best
  }

  /// The `count` least used of `choices`, ascending; of equally used ones the higher numbers.
  static func leastUsed(_ count: Int, of choices: [Int], use: [Double]) -> [Int] {
    choices.sorted { use[$0] != use[$1] ? use[$0] < use[$1] : $0 > $1 }.prefix(count).sorted()
  }

  /// The number of ways to choose k of n; nil past 9e15, near 2^53.
  package static func binomial(_ n: Int, _ k: Int) -> Int? {
    guard k >= 0, k <= n else { return 0 }
    var result = 1.0
    for i in 0..<min(k, n - k) {
      result = (result * Double(n - i) / Double(i + 1)).rounded()
      if result > 9e15 { return nil }
    }
    return Int(result)
  }
}
