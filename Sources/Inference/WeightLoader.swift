package import Checkpoint
package import LinearAlgebra
internal import Parallelism
internal import Tensors

/// Brings tensors of a checkpoint into memory as Float32, one at a time.
package struct WeightLoader: Sendable {
  /// Where they come from.
  package let checkpoint: Checkpoint
  /// Threads that widen.
  package let threads: Int

  /// A loader of `checkpoint`'s tensors.
  package init(_ checkpoint: Checkpoint, threads: Int) {
    self.checkpoint = checkpoint
    self.threads = threads
  }

  /// The tensor at `place`, its rows the outermost axis; `rows` limits it to some.
  package func matrix(_ place: TensorPlace, rows wanted: Range<Int>? = nil) throws -> Matrix {
    let index = try require(place)
    let shape = checkpoint.tensors[index].shape
    let rows = wanted ?? 0..<(shape.first ?? 1)
    let columns = shape.dropFirst().reduce(1, *)
    let rowBytes = try checkpoint.tensors[index].type.byteCount(shape: [columns])
    return try dense(
      tensor: index,
      byteOffset: rows.lowerBound * rowBytes,
      rows: rows.count,
      columns: columns
    )
  }

  /// The tensor at `place` as one row of numbers.
  package func vector(_ place: TensorPlace) throws -> [Float] {
    let index = try require(place)
    let count = checkpoint.tensors[index].elementCount
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      try checkpoint.widen(
        tensor: index,
        into: UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      )
      initialized = count
    }
  }

  /// One matrix of a routed expert, dense or as factors, as it is stored; with an adapter dense, the
  /// adapter's product added.
  package func expertMatrix(layer: Int, expert: Int, _ projection: Projection) throws
    -> LinearOperator
  {
    guard
      let matrix = checkpoint.expertMatrix(layer: layer, expert: expert, projection: projection)
    else {
      throw missing(TensorPlace(projection.role, layer: layer, expert: expert))
    }
    let stored = try load(matrix)
    guard let adapter = checkpoint.adapter,
      let correction = adapter.correction(layer: layer, projection),
      let position = checkpoint.keptExperts[layer]?.firstIndex(of: expert)
    else { return stored }
    let a = Matrix(unfilledRows: correction.rank, columns: matrix.columns)
    try adapter.values.widen(
      tensor: correction.a,
      fromByte: position * correction.stride.a,
      into: a.elements
    )
    let b = Matrix(unfilledRows: matrix.rows, columns: correction.rank)
    try adapter.values.widen(
      tensor: correction.b,
      fromByte: position * correction.stride.b + correction.rowOffset,
      into: b.elements
    )
    let sum: Matrix =
      switch stored {
      case .dense(let dense): dense
      case .factors(let factors): try factors.product(threads: threads)
      }
    try multiply(
      b.view,
      a.view,
      into: sum.view,
      alpha: correction.scale,
      beta: 1,
      threads: threads
    )
    return .dense(sum)
  }

  private func load(_ matrix: ExpertMatrix) throws -> LinearOperator {
    switch matrix.form {
    case .dense(let tensor, let offset):
      return .dense(
        try dense(
          tensor: tensor,
          byteOffset: offset,
          rows: matrix.rows,
          columns: matrix.columns
        )
      )
    case .factors(let left, let right, let rank):
      return .factors(
        LowRankFactors(
          storedLeft: try dense(tensor: left, byteOffset: 0, rows: rank, columns: matrix.rows),
          right: try dense(tensor: right, byteOffset: 0, rows: rank, columns: matrix.columns)
        )
      )
    }
  }

  /// A routed expert with its three matrices; `expert` is its original number.
  package func expert(layer: Int, expert: Int) throws -> GatedMLP {
    GatedMLP(
      gate: try expertMatrix(layer: layer, expert: expert, .gate),
      up: try expertMatrix(layer: layer, expert: expert, .up),
      down: try expertMatrix(layer: layer, expert: expert, .down)
    )
  }

  /// Widens row blocks side by side.
  private func dense(tensor: Int, byteOffset: Int, rows: Int, columns: Int) throws -> Matrix {
    let matrix = Matrix(unfilledRows: rows, columns: columns)
    let block = max(1, (1 << 20) / max(columns, 1))
    let type = checkpoint.tensors[tensor].type
    let rowBytes = try type.byteCount(shape: [columns])
    try parallelForEach(count: (rows + block - 1) / block, threads: threads) { number in
      let range = number * block..<min((number + 1) * block, rows)
      let target = UnsafeMutableBufferPointer(
        rebasing: matrix.elements[range.lowerBound * columns..<range.upperBound * columns]
      )
      try checkpoint.widen(
        tensor: tensor,
        fromByte: byteOffset + range.lowerBound * rowBytes,
        into: target
      )
    }
    return matrix
  }

  private func require(_ place: TensorPlace) throws -> Int {
    guard let index = checkpoint.index(of: place) else { throw missing(place) }
    return index
  }

  private func missing(_ place: TensorPlace) -> CheckpointError {
    .missingTensors(
      path: checkpoint.location.path,
      names: [checkpoint.names?.name(of: place) ?? "?"],
      count: 1
    )
  }
}
