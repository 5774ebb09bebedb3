/// The largest eigenvalues of a symmetric matrix and their eigenvectors.
package struct SymmetricEigen: Sendable {
  /// Eigenvalues, largest first.
  package let values: [Double]
  /// Unit eigenvectors as rows, in the order of `values`: [count, n].
  package let vectors: DoubleMatrix
}

/// The `count` largest eigenpairs of a symmetric matrix.
///
/// The matrix is reduced to tridiagonal form (LAPACK sytrd); its eigenvectors come from divide and
/// conquer (stedc), or for few of them from relatively robust representations (stemr), and only
/// the wanted ones are carried back (ormtr). LAPACK's own driver syevr computes a part of the
/// spectrum by bisection and inverse iteration instead, which is slower here.
///
/// - Parameters:
///   - matrix: Symmetric [n, n]; only one triangle of it is read.
///   - count: Number of pairs wanted, in `1...n`.
/// - Returns: Eigenvalues descending, eigenvectors as orthonormal rows [count, n].
/// - Throws: ``LinearAlgebraError`` when the matrix is not square or not finite, `count` is out of
///   range, or LAPACK fails.
/// - Complexity: 4/3 n³ operations and up to 4 n² Double of work space.
package func symmetricEigen(
  of matrix: DoubleMatrix,
  count: Int
) throws(LinearAlgebraError) -> SymmetricEigen {
  try requireSquare("symmetric eigenproblem", matrix, order: matrix.rows)
  try requireRank(count, limit: matrix.rows)
  try matrix.requireFinite("symmetric eigenproblem")
  let vectors = DoubleMatrix(unfilledRows: count, columns: matrix.rows)
  let work = matrix.copy()
  let values = try topEigenpairs(
    of: work.pointer,
    order: matrix.rows,
    count: count,
    into: vectors.pointer
  )
  withExtendedLifetime(work) {}
  return SymmetricEigen(values: values, vectors: vectors)
}

/// All eigenvalues of a symmetric matrix, largest first, without vectors.
///
/// - Throws: ``LinearAlgebraError`` when the matrix is not square or not finite, or LAPACK fails.
package func eigenvalues(of matrix: DoubleMatrix) throws(LinearAlgebraError) -> [Double] {
  let order = matrix.rows
  try requireSquare("symmetric eigenproblem", matrix, order: order)
  try requireRank(1, limit: order)
  try matrix.requireFinite("symmetric eigenproblem")
  let work = matrix.copy()
  let values = try Tridiagonal(reducing: work.pointer, order: order).eigenvalues()
  withExtendedLifetime(work) {}
  return values
}

/// The `count` largest eigenpairs of `matrix`, which is overwritten.
///
/// - Parameters:
///   - matrix: Symmetric [order, order]; only the upper triangle (row-major) is read.
///   - order: Rows and columns of `matrix`.
///   - count: Number of pairs wanted, in `1...order`.
///   - vectors: Room for orthonormal rows [count, order].
/// - Returns: Eigenvalues, largest first.
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits or LAPACK fails.
func topEigenpairs<Real: BLASReal>(
  of matrix: UnsafeMutablePointer<Real>,
  order: Int,
  count: Int,
  into vectors: UnsafeMutablePointer<Real>
) throws(LinearAlgebraError) -> [Real] {
  let tridiagonal = try Tridiagonal(reducing: matrix, order: order)
  let values = try tridiagonal.topEigenpairs(count, into: vectors)
  try tridiagonal.carryBack(vectors, count: count, reflectors: matrix)
  return values
}

/// Turns the status of a LAPACK routine into an error.
func lapack(_ routine: String, _ status: Int32) throws(LinearAlgebraError) {
  guard status == 0 else { throw .noConvergence(routine: routine, status: Int(status)) }
}

func requireRank(_ rank: Int, limit: Int) throws(LinearAlgebraError) {
  guard rank >= 1 && rank <= limit else { throw .rankOutOfRange(rank: rank, limit: limit) }
}
