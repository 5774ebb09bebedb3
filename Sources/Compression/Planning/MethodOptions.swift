package import JSON

/// Every choice of the method, as the plan records it.
package struct MethodOptions: Sendable, Equatable {
  /// How the experts to lose are spread over layers.
  package enum Allocation: String, Sendable, CaseIterable {
    /// Within `lambda` of uniform, more important layers losing fewer (OWL's map, arXiv 2310.05175).
    case bounded
    /// In proportion to 1 / importance.
    case inverse
    /// The same number everywhere.
    case uniform
  }

  /// How sets are proposed.
  package enum Selection: String, Sendable, CaseIterable {
    /// Exhaustive where the genetic search would evaluate as many sets anyway.
    case auto
    /// Every set.
    case exhaustive
    /// Genetic search (MoE-I², section on layer-wise genetic search).
    case genetic
    /// The least used experts.
    case frequency
    /// A set drawn at random: the baseline every method must beat.
    case random
  }

  /// How much of each kept expert is left.
  package enum RankTarget: Sendable, Equatable {
    /// Average rank as a share of break-even.
    case share(Double)
    /// Average rank.
    case average(Double)
    /// No low rank.
    case dense
  }

  /// How factors are found.
  package enum Factoring: String, Sendable, CaseIterable {
    /// Best for the outputs on calibration inputs.
    case whitened
    /// Best for the weight itself: the paper's.
    case svd
  }

  package var searchTokens: Int? = 4096
  package var receptionTokens = 2048
  package var receptionSets = 3
  package var receptionBlocks = 3
  package var selection = Selection.auto
  package var population = 100
  package var generations = 50
  package var parents = 0.2
  package var mutation = 0.3
  package var allocation = Allocation.bounded
  package var lambda = 0.08
  package var prune = 0.25
  package var rank = RankTarget.share(0.5)
  package var alpha = 0.15
  package var epsilon = 1e-6
  package var rankMultiple = 1
  package var factoring = Factoring.whitened
  package var factorType = "BF16"
  package var protected: [Int: [Int]] = [:]
  package var seed: UInt64 = 0

  /// The defaults.
  package init() {}

  /// As the plan file says them.
  package var json: JSONValue {
    var object = JSONObject()
    object["searchTokens"] = searchTokens.map { JSONValue($0) } ?? "all"
    object["receptionTokens"] = JSONValue(receptionTokens)
    object["receptionSets"] = JSONValue(receptionSets)
    object["receptionBlocks"] = JSONValue(receptionBlocks)
    object["select"] = .string(selection.rawValue)
    object["population"] = JSONValue(population)
    object["generations"] = JSONValue(generations)
    object["parents"] = JSONValue(parents)
    object["mutation"] = JSONValue(mutation)
    object["allocate"] = .string(allocation.rawValue)
    object["lambda"] = JSONValue(lambda)
    object["prune"] = JSONValue(prune)
    switch rank {
    case .share(let share): object["rankKeep"] = JSONValue(share)
    case .average(let rank): object["averageRank"] = JSONValue(rank)
    case .dense: object["rankKeep"] = "dense"
    }
    object["alpha"] = JSONValue(alpha)
    object["epsilon"] = JSONValue(epsilon)
    object["rankMultiple"] = JSONValue(rankMultiple)
    object["factor"] = .string(factoring.rawValue)
    object["factorType"] = .string(factorType)
    object["protect"] = .array(
      protected.keys.sorted().map { layer in
        ["layer": JSONValue(layer), "experts": JSONValue(protected[layer] ?? [])]
      }
    )
    object["seed"] = .number(String(seed))
    return .object(object)
  }

  /// The share of break-even or the average rank as a number of rank units, for an m x n matrix.
  package func averageRank(rows: Int, columns: Int) -> Double? {
    switch rank {
    case .share(let share): share * breakEvenRank(rows: rows, columns: columns)
    case .average(let rank): rank
    case .dense: nil
    }
  }
}

/// The rank at which factors are as large as the matrix: mn / (m + n).
package func breakEvenRank(rows: Int, columns: Int) -> Double {
  Double(rows) * Double(columns) / Double(rows + columns)
}
