import Glibc
import LinearAlgebra
import Testing

@testable import Inference

/// Routing among kept experts against its definition.
@Suite struct RoutingTests {
  /// Softmax over `allowed`, the k likeliest (equal: the lower id), perhaps renormalised.
  static func slow(_ logits: [Float], _ allowed: [Int], _ rule: RoutingRule) -> [(Int, Double)] {
    let order = allowed.sorted { a, b in
      logits[a] != logits[b] ? logits[a] > logits[b] : a < b
    }
    let total = allowed.reduce(0.0) { $0 + exp(Double(logits[$1])) }
    let chosen = order.prefix(min(rule.topK, allowed.count)).map {
      ($0, exp(Double(logits[$0])) / total)
    }
    guard rule.normalizesTopK else { return chosen }
    let kept = chosen.reduce(0) { $0 + $1.1 }
    return chosen.map { ($0.0, $0.1 / kept) }
  }

  static func experts(_ routing: Routing, token: Int = 0) -> [Int] {
    (0..<routing.width).map { Int(routing.experts[token * routing.width + $0]) }
  }

  @Test(
    "experts and weights are those of softmax, top-k and perhaps renormalisation",
    arguments: [false, true],
    [1, 2, 4, 9]
  )
  func equalsDefinition(normalizes: Bool, topK: Int) {
    let rule = RoutingRule(topK: topK, normalizesTopK: normalizes)
    let logits = gaussian(600, 9, seed: 21)
    for allowed in [Array(0..<9), [0, 2, 3, 5, 8], [1, 7], [4]] {
      let routing = Routing(logits, rule: rule, allowed: allowed, threads: 2)
      #expect(routing.width == min(topK, allowed.count))
      #expect(routing.tokenCount == 600)
      for token in 0..<600 {
        let expected = RoutingTests.slow(Array(logits.row(token)), allowed, rule)
        #expect(RoutingTests.experts(routing, token: token) == expected.map(\.0))
        for (slot, pair) in expected.enumerated() {
          #expect(abs(routing.weights[token * routing.width + slot] - pair.1) <= 1e-12)
        }
      }
    }
  }

  @Test("of equal logits the lower expert is taken, and listed first")
  func tiesGoToTheLowerExpert() {
    let rule = RoutingRule(topK: 2, normalizesTopK: true)
    let logits = Matrix(
      rows: 4,
      columns: 4,
      values: [1, 1, 1, 1, 0, 2, 2, 2, 3, 1, 1, 3, -1, 0, 0, -1]
    )
    let all = Routing(logits, rule: rule, allowed: [0, 1, 2, 3], threads: 1)
    #expect(RoutingTests.experts(all, token: 0) == [0, 1])
    #expect(RoutingTests.experts(all, token: 1) == [1, 2])
    #expect(RoutingTests.experts(all, token: 2) == [0, 3])
    #expect(RoutingTests.experts(all, token: 3) == [1, 2])
    let some = Routing(logits, rule: rule, allowed: [2, 3], threads: 1)
    #expect(RoutingTests.experts(some, token: 0) == [2, 3])
    #expect(RoutingTests.experts(some, token: 2) == [3, 2])
    let one = Routing(
      logits,
      rule: RoutingRule(topK: 1, normalizesTopK: true),
      allowed: [1, 2, 3],
      threads: 1
    )
    #expect(RoutingTests.experts(one, token: 0) == [1])
  }

  @Test("with fewer experts than k, all are used")
  func fewerExpertsThanK() {
    let logits = gaussian(3, 6)
    let rule = RoutingRule(topK: 4, normalizesTopK: false)
    let routing = Routing(logits, rule: rule, allowed: [1, 4], threads: 1)
    #expect(routing.width == 2)
    for token in 0..<3 {
      #expect(Set(RoutingTests.experts(routing, token: token)) == [1, 4])
      let sum = routing.weights[2 * token] + routing.weights[2 * token + 1]
      #expect(abs(sum - 1) <= 1e-12)
    }
  }

  @Test("listing more than k says who would come next, without weight")
  func listsTheNextInLine() {
    let rule = RoutingRule(topK: 2, normalizesTopK: false)
    let logits = gaussian(50, 8, seed: 4)
    let all = Array(0..<8)
    let narrow = Routing(logits, rule: rule, allowed: all, threads: 1)
    let wide = Routing(logits, rule: rule, allowed: all, width: 3, threads: 1)
    let third = RoutingRule(topK: 3, normalizesTopK: false)
    for token in 0..<50 {
      #expect(
        RoutingTests.experts(wide, token: token)
          == RoutingTests.slow(Array(logits.row(token)), all, third).map(\.0)
      )
      #expect(wide.weights[3 * token] == narrow.weights[2 * token])
      #expect(wide.weights[3 * token + 1] == narrow.weights[2 * token + 1])
      #expect(wide.weights[3 * token + 2] == 0)
    }
  }

  @Test("logits far apart or far from zero give finite weights")
  func extremeLogits() {
    let logits = Matrix(rows: 2, columns: 3, values: [1e30, -1e30, 0, 5000, 4999, -5000])
    for normalizes in [false, true] {
      let rule = RoutingRule(topK: 2, normalizesTopK: normalizes)
      let routing = Routing(logits, rule: rule, allowed: [0, 1, 2], threads: 1)
      #expect(routing.weights.allSatisfy { $0.isFinite && $0 >= 0 && $0 <= 1 })
      #expect(routing.weights[0] == 1)
      #expect(abs(routing.weights[2] / routing.weights[3] - exp(1)) <= 1e-9)
    }
  }

  @Test("each expert gets its rows in ascending order, each token as often as it has experts")
  func rowsByExpert() {
    let rule = RoutingRule(topK: 2, normalizesTopK: true)
    let routing = Routing(
      gaussian(40, 5, seed: 8),
      rule: rule,
      allowed: [0, 2, 3],
      threads: 1
    )
    let lists = routing.rowsByExpert(5)
    #expect(lists.count == 5)
    #expect(lists[1].isEmpty && lists[4].isEmpty)
    #expect(lists.reduce(0) { $0 + $1.count } == 80)
    for (expert, rows) in lists.enumerated() {
      #expect(rows.map(\.token) == rows.map(\.token).sorted())
      for row in rows {
        #expect(Int(routing.experts[Int(row.token) * 2 + Int(row.slot)]) == expert)
      }
    }
  }
}
