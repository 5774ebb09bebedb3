/// A factor S of a second moment, G = S Sᵀ.
///
/// S is the Cholesky factor when G is positive definite. Otherwise it is made of the eigenvectors
/// of G, each times the root of its eigenvalue, without those whose eigenvalue is not above
/// rounding. It is computed in Double and kept in single precision.
package enum MomentRoot: Sendable {
  /// The lower triangular S itself, [n, n].
  case cholesky(Matrix)
  /// Sᵀ [k, n]: scaled eigenvectors as rows.
  case eigenvectors(Matrix)

  /// Factors `moment`, symmetric positive semidefinite [n, n].
  ///
  /// - Throws: ``LinearAlgebraError`` when it is not finite or too large, or LAPACK fails.
  package init(_ moment: DoubleMatrix) throws(LinearAlgebraError) {
    do throws(LinearAlgebraError) {
      self = .cholesky(try Cholesky(moment).lower.narrowed())
    } catch .notPositiveDefinite {
      let eigen = try symmetricEigen(of: moment, count: moment.rows)
      let floor = eigen.values[0] * Double(moment.rows) * Double.ulpOfOne
      let count = eigen.values.prefix { $0 > max(floor, 0) }.count
      let rows = DoubleMatrix(rows: max(count, 1), columns: moment.rows)
      for row in 0..<count {
        let root = eigen.values[row].squareRoot()
        let (source, target) = (eigen.vectors.row(row), rows.row(row))
        for column in source.indices { target[column] = root * source[column] }
      }
      withExtendedLifetime(eigen) {}
      self = .eigenvectors(rows.narrowed())
    }
  }

  /// W S for W [m, n]: [m, n] or [m, k].
  ///
  /// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
  package func multiplyFromRight(
    _ w: Matrix,
    threads: Int = 1
  ) throws(LinearAlgebraError) -> Matrix {
    switch self {
    case .eigenvectors(let rows): return try multiply(w, transposed: rows, threads: threads)
    case .cholesky(let lower):
      let n = lower.rows
      let result = Matrix(unfilledRows: w.rows, columns: n)
      // Column j of S starts at row j: half the terms of a full product.
      for columns in Tiles.ranges(n, size: MomentRoot.triangleSide) {
        let depth = columns.lowerBound..<n
        try multiply(
          w.view(ofColumns: depth),
          lower.view.part(rows: depth, columns: columns),
          into: result.view(ofColumns: columns),
          threads: threads
        )
      }
      return result
    }
  }

  private static let triangleSide = 256
}
