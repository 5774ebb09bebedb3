import Calibration
import Compression
import Inference
import JSON
import LinearAlgebra
import Testing

@Suite("Genetic search", .serialized)
struct GeneticSearchTests {
  @Test("on micro-qwen2moe it finds the enumerated optimum from every one of 100 seeds")
  func everySeed() throws {
    guard let oracle = try MethodOracle("micro-qwen2moe") else { return }
    let planner = try oracle.planner()
    try oracle.withStatistics(planner) { reader in
      for (number, layer) in oracle.layers.enumerated() {
        let error = SetError(
          try reader.sample(layer: layer, experts: 16),
          rule: RoutingRule(topK: 4, normalizesTopK: false)
        )
        let best = oracle.json["exhaustive_uniform"]?.array?[number].array?.first
        let found = try successes(layer: layer, experts: 16, count: 4, error, seeds: 25) {
          $0 == oracle.integers(best?["pruned"])
        }
        #expect(found == 25, "layer \(layer)")
      }
      let error = SetError(
        try reader.sample(layer: 0, experts: 16),
        rule: RoutingRule(topK: 4, normalizesTopK: false)
      )
      let best = oracle.json["exhaustive_uniform"]?.array?[0].array?.first
      let found = try successes(layer: 0, experts: 16, count: 4, error, seeds: 100) {
        $0 == oracle.integers(best?["pruned"])
      }
      #expect(found == 100)
    }
  }

  @Test("among 134,596 sets of tiny-qwen2moe it finds the optimum from at least 95 of 100 seeds")
  func manySets() throws {
    guard let oracle = try MethodOracle("tiny-qwen2moe") else { return }
    var options = MethodOracle.options
    options.searchTokens = 512
    let planner = try oracle.planner(options)
    let reference = oracle.json["exhaustive_sampled"] ?? [:]
    try oracle.withStatistics(planner) { reader in
      let layer = reference["layer"]?.integer ?? -1
      let error = SetError(
        try reader.sample(layer: layer, experts: 24),
        rule: RoutingRule(topK: 4, normalizesTopK: false)
      )
      for set in reference["best"]?.array ?? [] {
        let ours = error(pruning: oracle.integers(set["pruned"]))
        #expect(isClose(ours, set["error"]?.double ?? -1))
      }
      let best = reference["best"]?.array?.first
      let found = try successes(layer: layer, experts: 24, count: 6, error, seeds: 100) {
        $0 == oracle.integers(best?["pruned"])
      }
      print("genetic search on tiny-qwen2moe: \(found) of 100 seeds")
      #expect(found >= 95)
    }
  }

  @Test("the same seed gives the same sets with one thread and with two")
  func threads() throws {
    guard let oracle = try MethodOracle("micro-qwen2moe") else { return }
    let planner = try oracle.planner()
    try oracle.withStatistics(planner) { reader in
      let error = SetError(
        try reader.sample(layer: 1, experts: 16),
        rule: RoutingRule(topK: 4, normalizesTopK: false)
      )
      let results = try [1, 2].map { threads in
        try ExpertSetSearch(
          layer: 1,
          choices: Array(0..<16),
          count: 6,
          proposals: 5,
          options: genetic(seed: 7),
          threads: threads
        ).run(error: error, use: [])
      }
      #expect(results[0] == results[1])
    }
  }

  private func genetic(seed: UInt64) -> MethodOptions {
    var options = MethodOptions()
    options.selection = .genetic
    options.seed = seed
    return options
  }

  private func successes(
    layer: Int,
    experts: Int,
    count: Int,
    _ error: SetError,
    seeds: Int,
    isOptimum: ([Int]) -> Bool
  ) throws -> Int {
    try (0..<seeds).filter { seed in
      let search = ExpertSetSearch(
        layer: layer,
        choices: Array(0..<experts),
        count: count,
        proposals: 3,
        options: genetic(seed: UInt64(seed)),
        threads: 2
      )
      return isOptimum(try search.run(error: error, use: [])[0].pruned)
    }.count
  }
}
