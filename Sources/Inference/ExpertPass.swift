package import LinearAlgebra
internal import Parallelism

/// What one expert computed for the tokens sent to it.
package struct ExpertActivation: Sendable {
  /// Position of the expert in the router's rows.
  package let position: Int
  /// The tokens sent to it, ascending.
  package let rows: [RoutedRow]
  /// The expert's outputs f(x), [rows, H], not yet weighted.
  package let outputs: Matrix
}

/// Runs the experts of one layer over a batch, one after another and only those that have tokens.
package struct ExpertPass: Sendable {
  private let loader: WeightLoader
  private let layer: Int
  /// Original number of the expert at each position.
  private let experts: [Int]

  /// A pass over the experts of `layer`.
  package init(_ loader: WeightLoader, layer: Int, experts: [Int]) {
    self.loader = loader
    self.layer = layer
    self.experts = experts
  }

  /// Calls `consume` for each expert with tokens, in ascending order.
  ///
  /// - Parameters:
  ///   - x: Inputs, [tokens, H].
  ///   - lists: Rows of `x` for each position in the router.
  ///   - observer: Sees what each expert's maps read.
  ///   - consume: Sees each expert's activation before it is dropped.
  /// - Throws: `CheckpointError` if an expert's weights are missing or not finite,
  ///   `LinearAlgebraError` if a product's size exceeds 32 bits, and what `consume` throws.
  package func run(
    _ x: Matrix,
    lists: [[RoutedRow]],
    observer: (any LayerInputObserver)? = nil,
    _ consume: (ExpertActivation) throws -> Void
  ) throws {
    for position in lists.indices where !lists[position].isEmpty {
      let rows = lists[position]
      let expert = try loader.expert(layer: layer, expert: experts[position])
      let inputs = gather(x, rows)
      try observer?.observe(.expert, expert: position, inputs, rows: rows)
      let outputs = try expert(inputs, threads: loader.threads) {
        try observer?.observe(.expertDown, expert: position, $0, rows: rows)
      }
      try consume(
        ExpertActivation(
          position: position,
          rows: rows,
          outputs: outputs
        )
      )
    }
  }

  private func gather(_ x: Matrix, _ rows: [RoutedRow]) -> Matrix {
    let result = Matrix(unfilledRows: rows.count, columns: x.columns)
    for (place, row) in rows.enumerated() {
      result.row(place).baseAddress?.update(
        from: x.pointer + Int(row.token) * x.columns,
        count: x.columns
      )
    }
    return result
  }
}

extension ExpertActivation {
  /// Adds routing weight times output to the rows of `target` [tokens, H].
  package func accumulate(into target: Matrix, _ routing: Routing, threads: Int) {
    let block = 64
    parallelForEach(
      count: (rows.count + block - 1) / block,
      threads: outputs.elements.count > 1 << 15 ? threads : 1
    ) { number in
      for place in number * block..<min((number + 1) * block, rows.count) {
        let row = rows[place]
        let weight = Float(routing.weights[Int(row.token) * routing.width + Int(row.slot)])
        add(outputs.row(place), times: weight, to: target.row(Int(row.token)))
      }
    }
  }
}

/// Adds a scaled row: target += scale * source.
package func add(
  _ source: UnsafeMutableBufferPointer<Float>,
  times scale: Float,
  to target: UnsafeMutableBufferPointer<Float>
) {
  precondition(source.count == target.count)
  for i in 0..<source.count { target[i] += scale * source[i] }
}
