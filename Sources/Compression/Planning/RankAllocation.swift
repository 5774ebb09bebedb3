internal import Glibc

/// Ranks of a layer's kept experts: MoE-I²'s formula (arXiv 2411.01016, Intra-Expert Decomposition)
/// under an exact budget.
///
/// The paper gives expert e the rank floor(x_e), x_e = (I_e + epsilon)^alpha / sum * R_a * M, the
/// sum over the layer's M kept experts, I_e their importance and R_a the average rank. Caps at
/// break-even and the sharing of leftovers are this tool's own.
package struct RankAllocation: Sendable, Equatable {
  /// The paper's rank of each expert, max(1, floor(x_e)), before caps and leftovers.
  package let beforeCap: [Int]
  /// The rank of each expert's matrices; nil where it stays dense.
  package let ranks: [Int?]

  /// Shares R_a M rank units in proportion to (I_e + epsilon)^alpha.
  ///
  /// An expert whose share reaches break-even, mn / (m + n), stays dense and is charged that; the
  /// rest share what remains, until none is added. Ranks are floored to the multiple (at least
  /// one), and multiples that are left go one at a time to the largest remainder (ties: lower
  /// expert), always below break-even.
  ///
  /// - Parameters:
  ///   - importance: I_e of each kept expert.
  ///   - averageRank: R_a, a real number.
  ///   - breakEven: mn / (m + n).
  ///   - alpha: Exponent of importance.
  ///   - epsilon: What is added to importance.
  ///   - multiple: Ranks are multiples of this, at least one.
  package init(
    importance: [Double],
    averageRank: Double,
    breakEven: Double,
    alpha: Double,
    epsilon: Double,
    multiple: Int
  ) {
    let shares = importance.map { pow($0 + epsilon, alpha) }
    let experts = importance.count
    let budget = averageRank * Double(experts)
    let sum = shares.reduce(0, +)
    beforeCap = shares.map { max(1, Int(($0 / sum * budget).rounded(.down))) }

    var isDense = [Bool](repeating: false, count: experts)
    var wanted = [Double](repeating: 0, count: experts)
    var left = budget
    while true {
      let rest = (0..<experts).filter { !isDense[$0] }
      left = budget - Double(experts - rest.count) * breakEven
      let restSum = rest.reduce(0) { $0 + shares[$1] }
      for expert in rest { wanted[expert] = restSum > 0 ? shares[expert] / restSum * left : 0 }
      let added = rest.filter { wanted[$0] >= breakEven }
      if added.isEmpty { break }
      for expert in added { isDense[expert] = true }
    }
    let largest = Int(breakEven.rounded(.up)) - 1
    var ranks = (0..<experts).map { expert in
      let floored = Int((max(0, wanted[expert]) / Double(multiple)).rounded(.down)) * multiple
      return min(max(multiple, floored), max(multiple, largest / multiple * multiple))
    }
    let members = (0..<experts).filter { !isDense[$0] }
    let whole = budget.rounded(.down) - Double(experts - members.count) * breakEven
    var spare = Int(whole.rounded(.down)) - members.reduce(0) { $0 + ranks[$1] }
    while spare >= multiple {
      let open = members.filter { ranks[$0] + multiple <= largest }
      guard
        let next = open.max(by: { a, b in
          let (x, y) = (wanted[a] - Double(ranks[a]), wanted[b] - Double(ranks[b]))
          return x != y ? x < y : a > b
        })
      else { break }
      ranks[next] += multiple
      spare -= multiple
    }
    self.ranks = (0..<experts).map { isDense[$0] ? nil : ranks[$0] }
  }
}
