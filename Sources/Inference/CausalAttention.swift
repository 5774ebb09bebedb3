internal import CKernels
internal import Checkpoint
internal import LinearAlgebra
internal import Parallelism

/// Grouped-query causal attention over windows of equal length: softmax(q kᵀ / sqrt(d)) v per head,
/// d the head's width, with neighbouring heads sharing keys and values (arXiv 2305.13245).
///
/// Queries are taken in blocks, so that scores need a block's rows times the keys before it and
/// memory grows with the length, not with its square.
package struct CausalAttention: Sendable {
  /// Weights, [out, in], and biases.
  struct Weights: Sendable {
    var query: LinearOperator
    var key: LinearOperator
    var value: LinearOperator
    var output: LinearOperator
    var queryBias: [Float]?
    var keyBias: [Float]?
    var valueBias: [Float]?
  }

  let weights: Weights
  let headCount: Int
  let keyValueHeadCount: Int
  let dimension: Int
  let slidingWindow: Int?
  let rotary: RotaryEmbedding

  private static let queryBlock = 128

  /// Attention over `x` [windows * length, H], already normalised; the same shape comes back.
  func callAsFunction(
    _ x: Matrix,
    length: Int,
    threads: Int,
    observer: (any LayerInputObserver)? = nil
  ) throws -> Matrix {
    try observer?.observe(.attention, x)
    let q = try project(x, weights.query, weights.queryBias, length: length, turns: true, threads)
    let k = try project(x, weights.key, weights.keyBias, length: length, turns: true, threads)
    let v = try project(x, weights.value, weights.valueBias, length: length, turns: false, threads)
    let mixed = Matrix(unfilledRows: x.rows, columns: headCount * dimension)
    let windows = x.rows / length
    try parallelForEach(count: windows * headCount, threads: threads) { number in
      try attend(q, k, v, into: mixed, window: number / headCount, head: number % headCount, length)
    }
    try observer?.observe(.attentionOutput, mixed)
    return try weights.output(mixed, threads: threads)
  }

  private func project(
    _ x: Matrix,
    _ weight: LinearOperator,
    _ bias: [Float]?,
    length: Int,
    turns: Bool,
    _ threads: Int
  ) throws -> Matrix {
    let y = try weight(x, threads: threads)
    guard bias != nil || turns else { return y }
    parallelForEach(count: y.rows, threads: y.elements.count > 1 << 14 ? threads : 1) { index in
      let row = y.row(index)
      if let bias {
        for i in 0..<row.count { row[i] += bias[i] }
      }
      if turns { rotary.rotate(row, position: index % length) }
    }
    return y
  }

  /// One head of one window.
  private func attend(
    _ q: Matrix,
    _ k: Matrix,
    _ v: Matrix,
    into mixed: Matrix,
    window: Int,
    head: Int,
    _ length: Int
  ) throws {
    let start = window * length
    let queryColumns = head * dimension..<(head + 1) * dimension
    let shared = head / (headCount / keyValueHeadCount)
    let keyColumns = shared * dimension..<(shared + 1) * dimension
    let scale = Float(1 / Double(dimension).squareRoot())
    for first in stride(from: 0, to: length, by: CausalAttention.queryBlock) {
      let last = min(first + CausalAttention.queryBlock, length)
      let firstKey = slidingWindow.map { max(0, first - $0 + 1) } ?? 0
      let queries = q.view.part(rows: start + first..<start + last, columns: queryColumns)
      let keys = k.view.part(rows: start + firstKey..<start + last, columns: keyColumns)
      let values = v.view.part(rows: start + firstKey..<start + last, columns: keyColumns)
      let scores = Matrix(unfilledRows: last - first, columns: last - firstKey)
      try multiply(queries, transposed: keys, into: scores.view, alpha: scale)
      for row in 0..<scores.rows {
        normalize(scores.row(row), query: first + row, firstKey: firstKey)
      }
      let target = mixed.view.part(rows: start + first..<start + last, columns: queryColumns)
      try multiply(scores.view, values, into: target)
    }
  }

  /// Softmax over the keys this query sees; the others get zero.
  private func normalize(_ row: UnsafeMutableBufferPointer<Float>, query: Int, firstKey: Int) {
    let begin = slidingWindow.map { max(0, query - $0 + 1 - firstKey) } ?? 0
    let end = query - firstKey + 1
    guard let base = row.baseAddress else { return }
    let largest = moepack_largest(base + begin, end - begin)
    let sum = moepack_exp_in_place(base + begin, end - begin, largest)
    let scale = Float(1 / sum)
    for i in begin..<end { base[i] *= scale }
    for i in 0..<begin { base[i] = 0 }
    for i in end..<row.count { base[i] = 0 }
  }
}
