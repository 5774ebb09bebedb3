internal import CKernels
internal import Glibc
package import Inference
package import LinearAlgebra
internal import Parallelism

/// Measures the experts of one layer over a batch of tokens while taking the batch through them.
///
/// Tokens go in blocks whose size depends on shapes and on which tokens are sampled alone; within a
/// block the outputs of each token's likeliest experts are held, and everything is computed from
/// them.
package struct MixtureMeasurement {
  /// The layer.
  package let layer: DecoderLayer
  /// Positions of the experts in use, ascending.
  package let allowed: [Int]
  private let threads: Int
  private var statistics: ExpertStatistics
  private var leaveOneOut: LeaveOneOut
  private let observer: (any LayerInputObserver)?

  /// A measurement of `layer` with nothing measured yet.
  ///
  /// - Parameters:
  ///   - layer: The layer.
  ///   - allowed: Positions of the experts in use, ascending.
  ///   - threads: Threads to use.
  ///   - observer: Sees what the experts' maps read.
  package init(
    _ layer: DecoderLayer,
    allowed: [Int],
    threads: Int,
    observer: (any LayerInputObserver)? = nil
  ) {
    self.layer = layer
    self.observer = observer
    self.allowed = allowed
    self.threads = threads
    statistics = ExpertStatistics(experts: layer.experts.count)
    leaveOneOut = LeaveOneOut(experts: layer.experts.count, rule: layer.rule)
  }

  /// What was measured so far.
  package var result: ExpertStatistics {
    var result = statistics
    // An expert that no token chose has importance 0, though where weights are not renormalised its
    // share of the softmax goes to the others.
    result.leaveOneOut = zip(leaveOneOut.relative, statistics.count).map { $1 == 0 ? 0 : $0 }
    return result
  }

  /// Adds the routed experts' output on x to h, measuring on the way.
  ///
  /// - Parameters:
  ///   - x: Inputs of router and experts, [tokens, H].
  ///   - logits: Router logits, [tokens, E].
  ///   - h: The residual stream, [tokens, H], changed in place.
  /// - Throws: `CheckpointError` if an expert's weights are missing or not finite,
  ///   `LinearAlgebraError` if a product's size exceeds 32 bits.
  package mutating func advance(_ x: Matrix, logits: Matrix, h: Matrix) throws {
    var none = GramSample(experts: layer.experts.count, candidates: 0)
    try advance(x, logits: logits, h: h, sampling: [], into: &none)
  }

  /// The same, and adds the tokens in `sampled`, ascending, to `sample`.
  mutating func advance(
    _ x: Matrix,
    logits: Matrix,
    h: Matrix,
    sampling sampled: [Int],
    into sample: inout GramSample
  ) throws {
    let width = min(layer.rule.topK + 1, allowed.count)
    var rest = sampled[...]
    var start = 0
    while start < x.rows {
      let count = TokenOutputs.blockTokens(
        from: start,
        of: x.rows,
        sampled: rest,
        widths: (width, max(width, sample.candidates)),
        hidden: x.columns
      )
      let rows = start..<start + count
      let inBlock = rest.prefix { $0 < rows.upperBound }
      rest = rest.dropFirst(inBlock.count)
      let isAll = rows.count == x.rows
      let scores = isAll ? logits : logits.copy(ofRows: rows)
      let outputs = try TokenOutputs(
        layer,
        isAll ? x : x.copy(ofRows: rows),
        logits: scores,
        allowed: allowed,
        sampled: inBlock.map { $0 - start },
        candidates: sample.candidates,
        threads: threads,
        observer: observer
      ) { addSums($0, $1) }
      addErrors(outputs, logits: scores, h: h, firstRow: start)
      sample.add(outputs, logits: scores, threads: threads)
      start += count
    }
  }

  /// Adds the block's leave-one-out errors, and its routed output to h.
  private mutating func addErrors(
    _ outputs: TokenOutputs,
    logits: Matrix,
    h: Matrix,
    firstRow: Int
  ) {
    let routing = outputs.routing
    let width = routing.width
    let tile = 64
    let tiles = (logits.rows + tile - 1) / tile
    let (rule, allowed, experts) = (layer.rule, self.allowed, layer.experts.count)
    let parts = parallelMap(count: tiles, threads: threads) { number -> LeaveOneOut in
      var part = LeaveOneOut(experts: experts, rule: rule)
      for token in number * tile..<min((number + 1) * tile, logits.rows) {
        let gram = outputs.gramMatrix(token: token)
        routing.experts.withUnsafeBufferPointer { experts in
          routing.weights.withUnsafeBufferPointer { weights in
            let slots = token * width..<(token + 1) * width
            part.add(
              logits: UnsafeBufferPointer(logits.row(token)),
              allowed: allowed,
              experts: UnsafeBufferPointer(rebasing: experts[slots]),
              weights: UnsafeBufferPointer(rebasing: weights[slots]),
              gram: gram
            )
          }
        }
        // The layer's own output, in the order of its experts.
        let used = min(rule.topK, width)
        let order = (0..<used).sorted {
          routing.experts[token * width + $0] < routing.experts[token * width + $1]
        }
        for slot in order {
          add(
            outputs.output(token: token, slot: slot),
            times: Float(routing.weights[token * width + slot]),
            to: h.row(firstRow + token)
          )
        }
      }
      return part
    }
    for part in parts { leaveOneOut.add(part) }
  }

  private mutating func addSums(_ activation: ExpertActivation, _ routing: Routing) {
    let expert = activation.position
    for (place, row) in activation.rows.enumerated() where Int(row.slot) < layer.rule.topK {
      let weight = routing.weights[Int(row.token) * routing.width + Int(row.slot)]
      let output = activation.outputs.row(place)
      let square = moepack_dot(output.baseAddress, output.baseAddress, output.count)
      let norm = square.squareRoot()
      statistics.count[expert] += 1
      statistics.gateSum[expert] += weight
      statistics.normSum[expert] += norm
      statistics.normSquareSum[expert] += square
      statistics.gateNormSum[expert] += weight * norm
    }
  }
}

extension TokenOutputs {
  /// Inner products of the outputs of a token's k + 1 likeliest experts, [k + 1, k + 1].
  func gramMatrix(token: Int) -> [Double] {
    let width = routing.width
    var gram = [Double](repeating: 0, count: width * width)
    for i in 0..<width {
      let a = output(token: token, slot: i)
      for j in 0...i {
        let b = output(token: token, slot: j)
        let product = moepack_dot(a.baseAddress, b.baseAddress, a.count)
        gram[i * width + j] = product
        gram[j * width + i] = product
      }
    }
    return gram
  }
}
