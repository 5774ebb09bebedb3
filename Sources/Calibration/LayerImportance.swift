package import Inference
package import LinearAlgebra
internal import Parallelism

/// Sums of squares of what one layer's matrices read, per channel, and the tokens in them.
///
/// Each channel is summed in Float64 in the order of the tokens, whatever the threads and however the
/// tokens come in blocks.
package final class LayerImportance: LayerInputObserver {
  /// Index of the layer.
  package let layer: Int
  private let topK: Int
  private let threads: Int
  private var sums: [LayerInput: Sums] = [:]

  private struct Sums {
    let columns: Int
    /// [E, in].
    var squares: [Double]
    /// [E].
    var counts: [Int]
  }

  /// Sums of nothing yet.
  ///
  /// - Parameters:
  ///   - layout: What the model's layers read.
  ///   - layer: Index of the layer.
  ///   - topK: Experts per token, k.
  ///   - threads: Threads to use.
  package init(_ layout: ImportanceLayout, layer: Int, topK: Int, threads: Int) {
    self.layer = layer
    self.topK = topK
    self.threads = threads
    for input in layout.inputs(layer: layer) {
      let (columns, experts) = (layout.columns(of: input, layer: layer), layout.experts(of: input))
      sums[input] = Sums(
        columns: columns,
        squares: [Double](repeating: 0, count: experts * columns),
        counts: [Int](repeating: 0, count: experts)
      )
    }
  }

  /// The sums of an input in Float32, [E, in], and its counts, [E].
  ///
  /// A count above 2^24 is rounded, as `llama-imatrix` does.
  package func values(of input: LayerInput) -> (sums: [Float], counts: [Float]) {
    guard let sums = sums[input] else { return ([], []) }
    return (sums.squares.map { Float($0) }, sums.counts.map { Float($0) })
  }

  package func observe(_ input: LayerInput, _ x: Matrix) {
    add(x, rows: nil, to: input, expert: 0)
  }

  package func observe(_ input: LayerInput, expert position: Int, _ x: Matrix, rows: [RoutedRow]) {
    // What is computed past the rule's k is no input of the model's own.
    let own = rows.indices.filter { Int(rows[$0].slot) < topK }
    add(x, rows: own.count == rows.count ? nil : own, to: input, expert: position)
  }

  /// Adds rows of x, all if nil, to the sums of one matrix.
  private func add(_ x: Matrix, rows: [Int]?, to input: LayerInput, expert: Int) {
    guard let columns = sums[input]?.columns else { return }
    precondition(x.columns == columns)
    let count = rows?.count ?? x.rows
    sums[input]?.counts[expert] += count
    guard count > 0 else { return }
    let block = 128
    sums[input]?.squares.withUnsafeMutableBufferPointer { squares in
      guard let base = squares.baseAddress else { return }
      nonisolated(unsafe) let target = base + expert * columns
      parallelForEach(
        count: (columns + block - 1) / block,
        threads: count * columns > 1 << 16 ? threads : 1
      ) { number in
        let (first, last) = (number * block, min((number + 1) * block, columns))
        for place in 0..<count {
          let row = x.pointer + (rows.map { $0[place] } ?? place) * columns
          for column in first..<last {
            let value = Double(row[column])
            target[column] += value * value
          }
        }
      }
    }
  }
}
