import Compression
import LinearAlgebra
import Testing

@Suite("Ranks under a budget")
struct RankAllocationTests {
  private func allocate(
    _ importance: [Double],
    _ average: Double,
    breakEven: Double = 100,
    alpha: Double = 0.15,
    multiple: Int = 1
  ) -> RankAllocation {
    RankAllocation(
      importance: importance,
      averageRank: average,
      breakEven: breakEven,
      alpha: alpha,
      epsilon: 1e-6,
      multiple: multiple
    )
  }

  @Test("alpha 0 gives every expert the same, and what floors leave goes to the first")
  func equal() {
    let allocation = allocate([3, 1, 2, 5], 10.5, alpha: 0)
    #expect(allocation.beforeCap == [10, 10, 10, 10])
    #expect(allocation.ranks == [11, 11, 10, 10])
  }

  @Test("an expert past break-even is dense and the rest share what it leaves")
  func dense() {
    let allocation = allocate([1000, 1, 1], 60, alpha: 1)
    // 180 units: the first would get 179.6, so it is charged 100 and the others share 80.
    #expect(allocation.ranks == [nil, 40, 40])
  }

  @Test("seeded cases keep the budget, the bounds and the multiple", arguments: 0..<200)
  func invariants(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let experts = 1 + generator.next(below: 40)
    let breakEven = 20 + 80 * generator.nextUniform()
    let average = 1 + (breakEven - 2) * generator.nextUniform()
    let multiple = 1 + generator.next(below: 8)
    let importance = (0..<experts).map { _ in
      generator.next(below: 4) == 0 ? 0 : generator.nextUniform()
    }
    let allocation = allocate(
      importance,
      average,
      breakEven: breakEven,
      alpha: generator.nextUniform() * 2,
      multiple: multiple
    )
    var spent = 0.0
    for rank in allocation.ranks {
      spent += rank.map(Double.init) ?? breakEven
      guard let rank else { continue }
      #expect(
        rank >= multiple && rank % multiple == 0
          && Double(rank) < max(breakEven, Double(multiple) + 1)
      )
    }
    // Only experts raised to one multiple, which every expert gets, may take more than the budget.
    let raised = allocation.ranks.filter { $0 == multiple }.count * multiple
    #expect(spent <= average * Double(experts) + Double(raised) + 1e-9)
    #expect(allocation.beforeCap.allSatisfy { $0 >= 1 })
  }
}
