internal import Checkpoint
internal import Inference
internal import LinearAlgebra
internal import Parallelism
internal import Tensors

/// One expert's gate, up and down, ready to be written; nil where a matrix stays as it is.
struct PreparedExpert: Sendable {
  var expert: Int
  var factors: [FactoredMatrix?]
}

/// Reads and factors the experts of one layer, each on one thread.
struct ExpertPreparation: Sendable {
  private let checkpoint: Checkpoint
  private let plan: CompressionPlan.Layer
  private let state: PrunedPass.LayerState
  private let factoring: ExpertFactoring
  /// Tokens sent to each expert, group by group.
  private let rows: [[[Int]]]
  /// Most tokens an expert is run on at once.
  private let pieceTokens: Int

  init(
    _ checkpoint: Checkpoint,
    plan: CompressionPlan.Layer,
    state: PrunedPass.LayerState,
    factoring: ExpertFactoring,
    rows: [[[Int]]],
    pieceTokens: Int
  ) {
    self.pieceTokens = pieceTokens
    self.checkpoint = checkpoint
    self.plan = plan
    self.state = state
    self.factoring = factoring
    self.rows = rows
  }

  /// Factors the kept expert `number` of the plan.
  func prepare(_ number: Int) throws -> PreparedExpert {
    let expert = plan.kept[number]
    let ranks = plan.ranks[number]
    guard ranks.contains(where: { $0 != nil }) else {
      return PreparedExpert(expert: expert, factors: [nil, nil, nil])
    }
    let weights = try Projection.allCases.map { try dense(expert, $0) }
    let tokens = try self.tokens(of: state.kept[number], weights)
    let factors = try ranks.enumerated().map { place, rank -> FactoredMatrix? in
      guard let rank else { return nil }
      let result = try factoring.factor(
        place,
        weights[place],
        tokens,
        rank: rank,
        typeName: plan.types[number]
      )
      return FactoredMatrix(
        record: FactoringRecord(
          expert: expert,
          projection: Projection.allCases[place].rawValue,
          rank: rank,
          weightError: result.weightError,
          outputError: result.outputError,
          type: result.type.name
        ),
        left: result.left,
        right: result.right
      )
    }
    return PreparedExpert(expert: expert, factors: factors)
  }

  private func tokens(of position: Int, _ weights: [Matrix]) throws -> ExpertTokens {
    let groups = rows[position]
    let count = groups.reduce(0) { $0 + $1.count }
    let size = pieceTokens
    return try ExpertTokens(
      weights: weights,
      count: count,
      pieceCount: max(1, (count + size - 1) / size)
    ) { [state] number in
      // The piece's part of each group's rows.
      var first = 0
      let members = groups.map { group -> [Int] in
        let wanted = (number * size - first)..<((number + 1) * size - first)
        first += group.count
        return Array(group[wanted.clamped(to: group.indices)])
      }
      return try state.gather(members)
    }
  }

  private func dense(_ expert: Int, _ projection: Projection) throws -> Matrix {
    let loader = WeightLoader(checkpoint, threads: 1)
    guard
      case .dense(let matrix) = try loader.expertMatrix(
        layer: plan.layer,
        expert: expert,
        projection
      )
    else { preconditionFailure("sources with factors are refused before") }
    return matrix
  }
}
