import Compression
import LinearAlgebra
import Testing

@Suite("Counts per layer")
struct PruningCountsTests {
  @Test("every allocation meets the uniform total within every layer's bounds", arguments: 0..<200)
  func totals(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let experts = 2 + generator.next(below: 60)
    let topK = 1 + generator.next(below: min(8, experts))
    let layers = (0..<(1 + generator.next(below: 30))).map { _ in
      PruningCounts.Layer(
        experts: experts,
        topK: topK,
        importance: generator.nextUniform() * 5
      )
    }
    let ratio = generator.nextUniform() * Double(experts - topK) / Double(experts)
    for allocation in MethodOptions.Allocation.allCases {
      guard
        let counts = try? PruningCounts.counts(
          layers,
          ratio: ratio,
          allocation: allocation,
          lambda: 0.08
        )
      else {
        // Rounding to nearest may ask for one more than a layer can lose.
        #expect(PruningCounts.uniform(layers, ratio: ratio)[0] > experts - topK)
        continue
      }
      #expect(counts.reduce(0, +) == PruningCounts.uniform(layers, ratio: ratio).reduce(0, +))
      var options = MethodOptions()
      options.prune = ratio
      options.allocation = allocation
      let most = PruningCounts.most(experts: experts, topK: topK, options: options)
      for count in counts { #expect(count >= 0 && count <= most) }
    }
  }

  @Test("too much is refused with the largest ratio that works")
  func tooMuch() throws {
    let layers = [PruningCounts.Layer(experts: 8, topK: 2, importance: 1)]
    #expect(throws: PlanError.pruneTooMuch(ratio: 0.9, largest: 0.75)) {
      try PruningCounts.counts(layers, ratio: 0.9, allocation: .bounded, lambda: 0.08)
    }
    #expect(
      try PruningCounts.counts(layers, ratio: 0.75, allocation: .bounded, lambda: 0.08) == [6]
    )
  }

  @Test("halves are rounded to even, and a layer that can lose none loses none")
  func rounding() {
    let layers = [
      PruningCounts.Layer(experts: 10, topK: 2, importance: 1),
      PruningCounts.Layer(experts: 6, topK: 2, importance: 1),
      PruningCounts.Layer(experts: 4, topK: 4, importance: 1),
    ]
    #expect(PruningCounts.uniform(layers, ratio: 0.25) == [2, 2, 0])
  }

  @Test("a layer whose experts are all protected cannot lose its even share, and that is said")
  func protected() {
    let layers = [
      PruningCounts.Layer(experts: 8, topK: 2, importance: 1),
      PruningCounts.Layer(experts: 8, topK: 2, protected: 8, importance: 1),
    ]
    #expect(throws: PlanError.pruneTooMuch(ratio: 0.25, largest: 0)) {
      try PruningCounts.counts(layers, ratio: 0.25, allocation: .uniform, lambda: 0.08)
    }
    let counts = try? PruningCounts.counts(
      layers,
      ratio: 0.25,
      allocation: .bounded,
      lambda: 0.08
    )
    #expect(counts == [4, 0])
  }
}
