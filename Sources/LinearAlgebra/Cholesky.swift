internal import COpenBLAS

/// The Cholesky factor L of a symmetric positive definite matrix, A = L Lᵀ.
package struct Cholesky: Sendable {
  /// L [n, n], with zeros above the diagonal.
  package let lower: DoubleMatrix

  /// Factors `matrix`, of which the lower triangle is read.
  ///
  /// - Parameter matrix: Symmetric positive definite [n, n].
  /// - Throws: ``LinearAlgebraError/notPositiveDefinite(order:pivot:)`` with the index of the first
  ///   pivot that is not positive; other ``LinearAlgebraError`` when the matrix is not square, not
  ///   finite, or too large.
  /// - Complexity: n³ / 3 operations.
  package init(_ matrix: DoubleMatrix) throws(LinearAlgebraError) {
    useSingleThreadedBLAS()
    try requireSquare("Cholesky factorization", matrix, order: matrix.rows)
    try matrix.requireFinite("Cholesky factorization")
    var order = try Tiles.int32(matrix.rows, "Cholesky factorization")
    let factor = matrix.copy()
    var status: Int32 = 0
    // The row-major lower triangle is LAPACK's upper one: A = RᵀR with R = Lᵀ there.
    dpotrf_("U", &order, factor.pointer, &order, &status, 1)
    guard status >= 0 else { throw .noConvergence(routine: "potrf", status: Int(status)) }
    guard status == 0 else {
      throw .notPositiveDefinite(order: matrix.rows, pivot: Int(status) - 1)
    }
    for row in 0..<factor.rows {
      for column in row + 1..<max(row + 1, factor.columns) { factor[row, column] = 0 }
    }
    lower = factor
  }

  /// Replaces X by X L, for X [p, n].
  package func multiplyFromRight(_ x: DoubleMatrix) throws(LinearAlgebraError) {
    try apply(.product, .right, CblasNoTrans, x)
  }

  /// Replaces X by X Lᵀ, for X [p, n].
  package func multiplyTransposedFromRight(_ x: DoubleMatrix) throws(LinearAlgebraError) {
    try apply(.product, .right, CblasTrans, x)
  }

  /// Replaces X by Lᵀ X, for X [n, p].
  package func multiplyTransposedFromLeft(_ x: DoubleMatrix) throws(LinearAlgebraError) {
    try apply(.product, .left, CblasTrans, x)
  }

  /// Replaces X by X L⁻¹, for X [p, n].
  package func solveFromRight(_ x: DoubleMatrix) throws(LinearAlgebraError) {
    try apply(.solution, .right, CblasNoTrans, x)
  }

  /// Replaces X by L⁻¹ X, for X [n, p].
  package func solveFromLeft(_ x: DoubleMatrix) throws(LinearAlgebraError) {
    try apply(.solution, .left, CblasNoTrans, x)
  }

  private enum Action { case product, solution }
  private enum Side { case left, right }

  private func apply(
    _ action: Action,
    _ side: Side,
    _ transpose: CBLAS_TRANSPOSE,
    _ x: DoubleMatrix
  ) throws(LinearAlgebraError) {
    useSingleThreadedBLAS()
    let matching = side == .left ? x.rows : x.columns
    guard matching == lower.rows else {
      throw .shapeMismatch(
        operation: "triangular \(action)",
        expected: "\(lower.rows) on the \(side)",
        found: "\(x.rows)x\(x.columns)"
      )
    }
    let rows = try Tiles.int32(x.rows, "triangular \(action)")
    let columns = try Tiles.int32(x.columns, "triangular \(action)")
    guard rows > 0 && columns > 0 else { return }
    let blasSide = side == .left ? CblasLeft : CblasRight
    let order = Int32(lower.rows)
    switch action {
    case .product:
      cblas_dtrmm(
        CblasRowMajor,
        blasSide,
        CblasLower,
        transpose,
        CblasNonUnit,
        rows,
        columns,
        1,
        lower.pointer,
        order,
        x.pointer,
        columns
      )
    case .solution:
      cblas_dtrsm(
        CblasRowMajor,
        blasSide,
        CblasLower,
        transpose,
        CblasNonUnit,
        rows,
        columns,
        1,
        lower.pointer,
        order,
        x.pointer,
        columns
      )
    }
    withExtendedLifetime(lower) {}
  }
}
