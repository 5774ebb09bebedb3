/// A factor S of a second moment, G = S Sᵀ.
///
/// S is the Cholesky factor when G is positive definite. Otherwise it is made of the eigenvectors
/// of G, each times the root of its eigenvalue, without those whose eigenvalue is not above
/// rounding.
enum MomentRoot {
  case cholesky(Cholesky)
  /// Sᵀ [k, n]: scaled eigenvectors as rows.
  case eigenvectors(DoubleMatrix)

  init(_ moment: DoubleMatrix, threads: Int) throws(LinearAlgebraError) {
    do throws(LinearAlgebraError) {
      self = .cholesky(try Cholesky(moment))
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
      self = .eigenvectors(rows)
    }
  }

  /// Sᵀ K S; `matrix` K [n, n] is symmetric and may be overwritten.
  func conjugate(_ matrix: DoubleMatrix, threads: Int) throws(LinearAlgebraError) -> DoubleMatrix {
    switch self {
    case .cholesky(let factor):
      try factor.multiplyFromRight(matrix)
      try factor.multiplyTransposedFromLeft(matrix)
      return matrix
    case .eigenvectors(let rows):
      let (k, n) = (rows.rows, rows.columns)
      let half = DoubleMatrix(unfilledRows: k, columns: n)
      try tiledProduct(
        rows: k,
        columns: n,
        depth: n,
        rows.operand(),
        matrix.operand(),
        into: half.operand(),
        threads: threads
      )
      let result = DoubleMatrix(rows: k, columns: k)
      try tiledLowerProduct(
        order: k,
        depth: n,
        half.operand(),
        rows.operand(),
        into: result.pointer,
        beta: 0,
        isSymmetric: false,
        threads: threads
      )
      mirrorLowerTriangle(result.pointer, order: k)
      return result
    }
  }

  /// V Sᵀ for rows V [p, k], which may be overwritten: [p, n].
  func carryBack(_ vectors: DoubleMatrix, threads: Int) throws(LinearAlgebraError) -> DoubleMatrix {
    switch self {
    case .cholesky(let factor):
      try factor.multiplyTransposedFromRight(vectors)
      return vectors
    case .eigenvectors(let rows):
      let result = DoubleMatrix(unfilledRows: vectors.rows, columns: rows.columns)
      try tiledProduct(
        rows: vectors.rows,
        columns: rows.columns,
        depth: rows.rows,
        vectors.operand(),
        rows.operand(),
        into: result.operand(),
        threads: threads
      )
      return result
    }
  }
}
