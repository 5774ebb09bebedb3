internal import CKernels
internal import Glibc
package import Inference
package import LinearAlgebra
internal import Parallelism

/// Measures the experts of one layer over a batch of tokens while taking the batch through them.
///
/// Tokens go in blocks whose size depends on shapes alone; within a block the outputs of each
/// token's k + 1 likeliest experts are held, and everything is computed from them.
package struct MixtureMeasurement {
  /// The layer.
  package let layer: DecoderLayer
  /// Positions of the experts in use, ascending.
  package let allowed: [Int]
  private let threads: Int
  private var statistics: ExpertStatistics
  private var leaveOneOut: LeaveOneOut

  /// Bytes of outputs held at once.
  static let blockBytes = 160 << 20

  /// A measurement of `layer` with nothing measured yet.
  package init(_ layer: DecoderLayer, allowed: [Int], threads: Int) {
    self.layer = layer
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

  /// Tokens in a block: a multiple of 512 where memory allows.
  package static func blockTokens(width: Int, hidden: Int) -> Int {
    let fitting = blockBytes / max(1, width * hidden * 4)
    return max(64, fitting >= 512 ? min(fitting / 512 * 512, HiddenStream.groupTokens) : fitting)
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
    let width = min(layer.rule.topK + 1, allowed.count)
    let block = MixtureMeasurement.blockTokens(width: width, hidden: x.columns)
    for start in stride(from: 0, to: x.rows, by: block) {
      let rows = start..<min(start + block, x.rows)
      let isAll = rows.count == x.rows
      try measure(
        isAll ? x : x.copy(ofRows: rows),
        logits: isAll ? logits : logits.copy(ofRows: rows),
        h: h,
        firstRow: start
      )
    }
  }

  private mutating func measure(_ x: Matrix, logits: Matrix, h: Matrix, firstRow: Int) throws {
    let width = min(layer.rule.topK + 1, allowed.count)
    let routing = Routing(
      logits,
      rule: layer.rule,
      allowed: allowed,
      width: width,
      threads: threads
    )
    let outputs = Matrix(rows: x.rows * width, columns: x.columns)
    let lists = routing.rowsByExpert(layer.experts.count)
    try layer.expertPass.run(x, lists: lists) { activation in
      activation.scatter(into: outputs, width: width, threads: threads)
      addSums(activation, routing)
    }
    let tile = 64
    let tiles = (x.rows + tile - 1) / tile
    let (rule, allowed, experts) = (layer.rule, self.allowed, layer.experts.count)
    let parts = parallelMap(count: tiles, threads: threads) { number -> LeaveOneOut in
      var part = LeaveOneOut(experts: experts, rule: rule)
      for token in number * tile..<min((number + 1) * tile, x.rows) {
        let gram = gramMatrix(outputs, token: token, width: width)
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
            outputs.row(token * width + slot),
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

/// Inner products of the outputs of one token's experts, [width, width].
func gramMatrix(_ outputs: Matrix, token: Int, width: Int) -> [Double] {
  var gram = [Double](repeating: 0, count: width * width)
  for i in 0..<width {
    let a = outputs.row(token * width + i)
    for j in 0...i {
      let b = outputs.row(token * width + j)
      let product = moepack_dot(a.baseAddress, b.baseAddress, a.count)
      gram[i * width + j] = product
      gram[j * width + i] = product
    }
  }
  return gram
}

extension ExpertActivation {
  /// Puts each output at row token * width + slot of `target`.
  func scatter(into target: Matrix, width: Int, threads: Int) {
    parallelForEach(count: rows.count, threads: outputs.elements.count > 1 << 16 ? threads : 1) {
      place in
      let row = rows[place]
      _ = target.row(Int(row.token) * width + Int(row.slot))
        .update(fromContentsOf: outputs.row(place))
    }
  }
}
