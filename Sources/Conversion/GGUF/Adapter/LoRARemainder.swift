internal import Checkpoint
internal import LinearAlgebra
internal import Tensors

/// What one matrix of an expert lost in the base, as two thin factors: B A is the best approximation
/// of W_source - W_base of its rank (the truncated singular value decomposition; Eckart and Young).
struct LoRARemainder {
  /// A [r, n], rows behind the rank zero.
  let a: Matrix
  /// B [m, r], columns behind the rank zero.
  let b: Matrix
  /// Sum of squares of the remainder, and of B A.
  let squared: (remainder: Double, product: Double)

  /// Factors a remainder.
  ///
  /// - Parameters:
  ///   - remainder: W_source - W_base [m, n].
  ///   - rank: Singular values to keep, at most min(m, n).
  ///   - paddedRank: r, no less.
  ///   - threads: Threads to use; the result does not depend on it.
  /// - Throws: `LinearAlgebraError` if LAPACK fails.
  init(of remainder: Matrix, rank: Int, paddedRank: Int, threads: Int) throws {
    a = Matrix(rows: paddedRank, columns: remainder.columns)
    b = Matrix(rows: remainder.rows, columns: paddedRank)
    let norm = remainder.squaredNorm
    guard norm > 0 else {
      squared = (0, 0)
      return
    }
    let factors = try LowRankFactors.plain(remainder, rank: rank, threads: threads)
    var product = 0.0
    for index in 0..<rank {
      let (left, right) = (factors.left.row(index), factors.right.row(index))
      _ = a.row(index).update(fromContentsOf: right)
      for row in 0..<b.rows { b.row(row)[index] = left[row] }
      product += LoRARemainder.sumOfSquares(left) * LoRARemainder.sumOfSquares(right)
    }
    squared = (norm, product)
  }

  /// The products of the pairs of rows are orthogonal, so their squared norms add up.
  private static func sumOfSquares(_ row: UnsafeMutableBufferPointer<Float>) -> Double {
    row.reduce(0.0) { $0 + Double($1) * Double($1) }
  }
}

extension Checkpoint {
  /// Some matrices of an expert below each other, multiplied back where they are factors.
  ///
  /// - Parameters:
  ///   - layer: The decoder layer.
  ///   - expert: The expert's number in the original model.
  ///   - projections: Which matrices.
  ///   - rows: Rows of all together.
  ///   - columns: Columns of each.
  ///   - threads: Threads to use.
  /// - Returns: The matrices [rows, columns] in Float32.
  /// - Throws: `CheckpointError` if one is missing or not finite.
  func denseMatrix(
    layer: Int,
    expert: Int,
    _ projections: [Projection],
    rows: Int,
    columns: Int,
    threads: Int
  ) throws -> Matrix {
    let result = Matrix(rows: rows, columns: columns)
    var first = 0
    for projection in projections {
      guard let matrix = expertMatrix(layer: layer, expert: expert, projection: projection) else {
        let place = TensorPlace(projection.role, layer: layer, expert: expert)
        throw CheckpointError.missingTensors(
          path: location.path,
          names: [names?.name(of: place) ?? "?"],
          count: 1
        )
      }
      let target = UnsafeMutableBufferPointer(
        rebasing: result.elements[first * columns..<(first + matrix.rows) * columns]
      )
      switch matrix.form {
      case .dense(let tensor, let offset):
        try widen(tensor: tensor, fromByte: offset, into: target)
      case .factors(let left, let right, let rank):
        let (u, v) = (
          Matrix(rows: rank, columns: matrix.rows), Matrix(rows: rank, columns: columns)
        )
        try widen(tensor: left, into: u.elements)
        try widen(tensor: right, into: v.elements)
        let product = try LowRankFactors(storedLeft: u, right: v).product(threads: threads)
        _ = target.update(fromContentsOf: product.elements)
      }
      first += matrix.rows
    }
    return result
  }
}
