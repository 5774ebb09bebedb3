package import JSON

/// Every choice of the method, as the plan records it.
package struct MethodOptions: Sendable, Equatable {
  /// How the experts to lose are spread over layers.
  package enum Allocation: String, Sendable, CaseIterable {
    /// Within 2 `lambda` of the uniform share, more important layers losing fewer (OWL's map, arXiv
    /// 2310.05175).
    case bounded
    /// In proportion to 1 / importance, as the reimplementation MoE-Compressors does.
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
    /// Genetic search (MoE-I², arXiv 2411.01016, Layer-wise Genetic Search).
    case genetic
    /// The least used experts.
    case frequency
    /// A set drawn at random: the baseline every method must beat.
    case random
  }

  /// How much of each kept expert is left.
  package enum RankTarget: Sendable, Equatable {
    /// Average rank as a share of break-even, mn / (m + n).
    case share(Double)
    /// Average rank R_a itself.
    case average(Double)
    /// No low rank.
    case dense
  }

  /// How factors are found.
  package enum Factoring: String, Sendable, CaseIterable {
    /// Best for the outputs on calibration inputs (SVD-LLM, arXiv 2403.07378).
    case whitened
    /// Best for the weight itself: a truncated SVD, the paper's.
    case svd
  }

  /// Tokens the search samples, evenly spaced; nil takes all (`--search-tokens 4096`).
  package var searchTokens: Int? = 4096
  /// Tokens of the reception field, rounded down to whole windows (`--reception-tokens 2048`).
  package var receptionTokens = 2048
  /// Candidate sets per layer in the reception field, K (`--reception-sets 3`).
  package var receptionSets = 3
  /// MoE layers per block of the reception field, T (`--reception-blocks 3`).
  package var receptionBlocks = 3
  /// How sets of experts to prune are proposed (`--select auto`).
  package var selection = Selection.auto
  /// Sets in a generation of the genetic search (`--population 100`).
  package var population = 100
  /// Generations of the genetic search (`--generations 50`).
  package var generations = 50
  /// Share of a generation, 0 … 1, that survives as parents (`--parents 0.2`).
  package var parents = 0.2
  /// Probability, 0 … 1, that a child swaps one expert (`--mutation 0.3`).
  package var mutation = 0.3
  /// How the experts to lose are spread over layers (`--allocate bounded`).
  package var allocation = Allocation.bounded
  /// Shares that `bounded` takes from layers span twice this around `prune` (`--lambda 0.08`).
  package var lambda = 0.08
  /// Share of the experts to prune, 0 ..< 1; 0 switches stage one off (`--prune 0.25`).
  package var prune = 0.25
  /// Average rank (`--rank-keep 0.5` of break-even, or `dense`; `--average-rank` in rank units).
  package var rank = RankTarget.share(0.5)
  /// Exponent of importance in the share of ranks (`--alpha 0.15`).
  package var alpha = 0.15
  /// Added to importance, so that no share of ranks is zero (`--epsilon 1e-6`).
  package var epsilon = 1e-6
  /// Ranks are multiples of this, in rank units (`--rank-multiple 1`).
  package var rankMultiple = 1
  /// How factors are found (`--factor whitened`).
  package var factoring = Factoring.whitened
  /// Element type of stored factors, one of ``factorTypes`` (`--factor-type bf16`).
  package var factorType = "BF16"
  /// Experts never pruned, original numbers by decoder layer; none by default (`--protect L:E,…`).
  package var protected: [Int: [Int]] = [:]
  /// Where every random draw starts (`--seed 0`).
  package var seed: UInt64 = 0

  /// Options with every default.
  package init() {}

  /// The options as the plan file says them.
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

  /// The average rank R_a for an m x n matrix, a real number; nil if dense.
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
