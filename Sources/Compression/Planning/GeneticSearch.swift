package import LinearAlgebra
internal import Parallelism

/// MoE-I²'s layer-wise genetic search (arXiv 2411.01016, Layer-wise Genetic Search): individuals
/// are sets of experts to prune, fitness is the error of the layer's output, parents are crossed by
/// taking a random subset of their union, and some children swap one expert.
///
/// Every set is evaluated once. Children are drawn by one generator before any is evaluated, so the
/// number of threads changes nothing.
package struct GeneticSearch {
  private let choices: [Int]
  private let count: Int
  private let setCount: Int?
  private let options: MethodOptions
  private var generator: SeededGenerator
  private let threads: Int
  private var known: [[Int]: Double] = [:]

  /// A search among sets of `count` of the `choices`.
  ///
  /// - Parameters:
  ///   - choices: Experts that may be pruned, ascending.
  ///   - count: How many are.
  ///   - setCount: How many sets there are; nil past 2^53.
  ///   - options: Gives population, generations, parents and mutation.
  ///   - generator: Draws everything that is random.
  ///   - threads: Most threads to evaluate sets with.
  package init(
    choices: [Int],
    count: Int,
    setCount: Int?,
    options: MethodOptions,
    generator: SeededGenerator,
    threads: Int
  ) {
    self.choices = choices
    self.count = count
    self.setCount = setCount
    self.options = options
    self.generator = generator
    self.threads = threads
  }

  /// The best of all sets evaluated, best first.
  package mutating func run(_ error: SetError, proposals: Int) -> [ExpertSet] {
    let size = min(options.population, setCount ?? options.population)
    var population = evaluate(firstPopulation(size), error)
    for _ in 0..<options.generations {
      if let setCount, known.count >= setCount { break }
      population.sort(by: ExpertSet.isBefore)
      let parents = max(1, min(size, Int((options.parents * Double(size)).rounded())))
      let elite = Array(population.prefix(parents))
      population = elite + evaluate(offspring(of: elite, count: size - parents), error)
    }
    return known.map { ExpertSet(pruned: $0.key, error: $0.value) }
      .sorted(by: ExpertSet.isBefore).prefix(proposals).map { $0 }
  }

  /// Distinct random sets.
  private mutating func firstPopulation(_ size: Int) -> [[Int]] {
    var sets: [[Int]] = []
    var seen: Set<[Int]> = []
    while sets.count < size {
      let set = generator.sample(count, below: choices.count).map { choices[$0] }.sorted()
      if seen.insert(set).inserted { sets.append(set) }
    }
    return sets
  }

  private mutating func offspring(of parents: [ExpertSet], count wanted: Int) -> [[Int]] {
    var children: [[Int]] = []
    var drawn: Set<[Int]> = []
    for _ in 0..<wanted {
      var child = draw(from: parents)
      // One that was evaluated before brings nothing new.
      for _ in 0..<20 where known[child] != nil || drawn.contains(child) {
        child = draw(from: parents)
      }
      drawn.insert(child)
      children.append(child)
    }
    return children
  }

  private mutating func draw(from parents: [ExpertSet]) -> [Int] {
    let first = generator.next(below: parents.count)
    var second = first
    if parents.count > 1 {
      second = generator.next(below: parents.count - 1)
      if second >= first { second += 1 }
    }
    let union = Set(parents[first].pruned).union(parents[second].pruned).sorted()
    var child = generator.sample(count, below: union.count).map { union[$0] }.sorted()
    if generator.nextUniform() < options.mutation, choices.count > count {
      let left = choices.filter { !child.contains($0) }
      child[generator.next(below: count)] = left[generator.next(below: left.count)]
      child.sort()
    }
    return child
  }

  private mutating func evaluate(_ sets: [[Int]], _ error: SetError) -> [ExpertSet] {
    var fresh: [[Int]] = []
    var seen: Set<[Int]> = []
    for set in sets where known[set] == nil && seen.insert(set).inserted { fresh.append(set) }
    let todo = fresh
    let errors = parallelMap(count: todo.count, threads: threads) { error(pruning: todo[$0]) }
    for (set, value) in zip(todo, errors) { known[set] = value }
    return sets.map { ExpertSet(pruned: $0, error: known[$0] ?? .infinity) }
  }
}
