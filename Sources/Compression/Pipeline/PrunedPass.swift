internal import Calibration
internal import Checkpoint
package import Inference
package import JSON
package import LinearAlgebra
package import SystemPackage

/// Takes the calibration stream through the pruned model, layer by layer, measuring importance
/// again on the way: what the second stage of MoE-I² starts from (arXiv 2411.01016, Intra-Expert
/// Decomposition).
///
/// At each layer the consumer gets the experts' inputs and what was measured, so that planning and
/// factoring share one pass and see the same numbers.
package struct PrunedPass {
  /// What is known of a layer when its turn comes.
  package struct LayerState: Sendable {
    /// The layer.
    package let layer: DecoderLayer
    /// Positions of the kept experts, ascending.
    package let kept: [Int]
    /// Importance of each kept expert, measured on the pruned model.
    package let importance: [Double]
    /// Inputs of router and experts, [tokens, H], group by group.
    package let inputs: HiddenStream
    /// Router logits, [tokens, E], group by group.
    package let logits: [Matrix]
  }

  private let pass: ForwardPass
  private let kept: [Int: [Int]]

  /// A pass through the model of `pass` with only the experts in `kept` (original numbers).
  package init(_ pass: ForwardPass, kept: [Int: [Int]]) {
    self.pass = pass
    self.kept = kept
  }

  /// Runs the pass and shows each layer to `visit`.
  ///
  /// - Parameters:
  ///   - ids: Token ids, whole windows of `context`.
  ///   - context: Tokens per window.
  ///   - spoolFolder: Where hidden states go that do not fit in memory; nil keeps them there.
  ///   - record: How far an earlier run was, if there may be one; layers that are done are not
  ///     visited again.
  ///   - visit: Called in order with the index of every layer and its state, nil for a dense one;
  ///     what it gives is recorded with the layer.
  /// - Throws: `CheckpointError` if weights are missing or not finite, `InferenceError` for an id
  ///   outside the vocabulary, `StorageError` if spooling fails, and what `visit` throws.
  package func run(
    ids: [Int32],
    context: Int,
    spoolFolder: FilePath?,
    record: PassRecord? = nil,
    visit: (Int, LayerState?) throws -> JSONValue
  ) throws {
    let first = record?.nextStep ?? 0
    guard first < pass.configuration.layerCount else { return }
    let stream = try pass.start(ids, length: context, spoolFolder: spoolFolder, record: record)
    let lastMixture = pass.configuration.moeLayers.last ?? -1
    for index in first..<pass.configuration.layerCount {
      let note = try step(index, stream, isNeeded: index <= lastMixture, spoolFolder, visit)
      try record?.finish(index, [stream], note: note)
    }
  }

  /// Takes the stream through one layer; behind the last layer with experts nothing depends on it.
  private func step(
    _ index: Int,
    _ stream: HiddenStream,
    isNeeded: Bool,
    _ spoolFolder: FilePath?,
    _ visit: (Int, LayerState?) throws -> JSONValue
  ) throws -> JSONValue {
    guard isNeeded else { return try visit(index, nil) }
    let layer = try DecoderLayer(pass.loader, index: index, length: stream.length)
    guard layer.isMixture else {
      for number in stream.groups.indices {
        let h = try stream.load(number)
        try layer.advance(h, length: stream.length)
        try stream.store(h, number)
      }
      return try visit(index, nil)
    }
    return try visit(index, try measure(layer, stream, spoolFolder: spoolFolder))
  }

  private func measure(_ layer: DecoderLayer, _ stream: HiddenStream, spoolFolder: FilePath?) throws
    -> LayerState
  {
    let wanted = Set(kept[layer.index] ?? layer.experts)
    let positions = layer.experts.indices.filter { wanted.contains(layer.experts[$0]) }
    var measurement = MixtureMeasurement(layer, allowed: positions, threads: pass.threads)
    let inputs = try HiddenStream(
      windowCount: stream.windowCount,
      length: stream.length,
      width: stream.width,
      spoolFolder: spoolFolder
    )
    var logits: [Matrix] = []
    for number in stream.groups.indices {
      let h = try stream.load(number)
      try layer.attend(h, length: stream.length)
      let x = layer.mlpInput(h)
      try layer.addUnrouted(x, to: h)
      let scores = try layer.routerLogits(x)
      try measurement.advance(x, logits: scores, h: h)
      try inputs.store(x, number)
      try stream.store(h, number)
      logits.append(scores)
    }
    let all = measurement.result.leaveOneOut
    return LayerState(
      layer: layer,
      kept: positions,
      importance: positions.map { all[$0] },
      inputs: inputs,
      logits: logits
    )
  }
}

extension PrunedPass.LayerState {
  /// The tokens sent to each expert in the pruned model, group by group: rows[expert][group].
  package func rowsByExpert(threads: Int) -> [[[Int]]] {
    var result = [[[Int]]](
      repeating: Array(repeating: [], count: logits.count),
      count: layer.experts.count
    )
    for (group, scores) in logits.enumerated() {
      let routing = Routing(scores, rule: layer.rule, allowed: kept, threads: threads)
      for (expert, rows) in routing.rowsByExpert(layer.experts.count).enumerated() {
        result[expert][group] = rows.map { Int($0.token) }
      }
    }
    return result
  }

  /// The inputs of the tokens in `rows[group]`, one under another: [rows, H].
  package func gather(_ rows: [[Int]]) throws -> Matrix {
    let total = rows.reduce(0) { $0 + $1.count }
    let result = Matrix(unfilledRows: total, columns: inputs.width)
    var place = 0
    for (group, members) in rows.enumerated() where !members.isEmpty {
      let x = try inputs.load(group)
      for row in members {
        _ = result.row(place).update(fromContentsOf: x.row(row))
        place += 1
      }
    }
    return result
  }

  /// The layer's second moment: mean of x xᵀ over all its tokens, [H, H].
  package func layerMoment(threads: Int) throws -> DoubleMatrix {
    var sum: DoubleMatrix?
    var tokens = 0
    for group in inputs.groups.indices {
      let x = try inputs.load(group)
      sum = try gram(x.view, addingTo: sum, threads: threads)
      tokens += x.rows
    }
    let moment = sum ?? DoubleMatrix(rows: inputs.width, columns: inputs.width)
    for i in 0..<moment.elements.count { moment.elements[i] /= Double(max(tokens, 1)) }
    return moment
  }
}
