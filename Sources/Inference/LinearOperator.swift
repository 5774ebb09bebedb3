package import LinearAlgebra

/// The weights of a linear map, as one matrix or as two thin factors that are never multiplied out.
package enum LinearOperator: Sendable {
  /// The matrix W itself, [m, n].
  case dense(Matrix)
  /// Two factors of rank r: W = leftᵀ right with left = Uᵀ [r, m] and right = V [r, n].
  case factors(LowRankFactors)

  /// Number of outputs, m.
  package var outputs: Int {
    switch self {
    case .dense(let matrix): matrix.rows
    case .factors(let factors): factors.left.columns
    }
  }

  /// Number of inputs, n.
  package var inputs: Int {
    switch self {
    case .dense(let matrix): matrix.columns
    case .factors(let factors): factors.right.columns
    }
  }

  /// Applies the map to rows: Y = X Wᵀ, [rows, n] to [rows, m].
  package func callAsFunction(_ x: Matrix, threads: Int) throws -> Matrix {
    switch self {
    case .dense(let matrix):
      return try multiply(x, transposed: matrix, threads: threads)
    case .factors(let factors):
      let inner = try multiply(x, transposed: factors.right, threads: threads)
      return try multiply(inner, factors.left, threads: threads)
    }
  }
}
