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

  init(
    _ checkpoint: Checkpoint,
    plan: CompressionPlan.Layer,
    state: PrunedPass.LayerState,
    factoring: ExpertFactoring,
    rows: [[[Int]]]
  ) {
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
    let x = try state.gather(rows[state.kept[number]])
    // The outputs of gate and up are wanted on their own, so the expert is run piece by piece.
    let gateOutputs = try multiply(x, transposed: weights[0])
    let upOutputs = try multiply(x, transposed: weights[1])
    let inner = GatedMLP.combine(
      gate: gateOutputs.copy(ofRows: 0..<x.rows),
      up: upOutputs,
      threads: 1
    )
    let downOutputs = try multiply(inner, transposed: weights[2])
    let inputs = [x, x, inner]
    let outputs = [gateOutputs, upOutputs, downOutputs]
    let factors = try ranks.enumerated().map { place, rank -> FactoredMatrix? in
      guard let rank else { return nil }
      let result = try factoring.factor(
        weights[place],
        inputs: inputs[place],
        outputs: outputs[place],
        isDown: place == 2,
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
