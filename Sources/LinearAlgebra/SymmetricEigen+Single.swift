/// When eigenvectors computed in single precision are as good as any.
///
/// Single precision leaves an error of some 1e-6 of the largest eigenvalue in the matrix. What the
/// top eigenvectors then miss of the trace is second order in that error over the eigenvalues kept.
/// Measured on 14 spectra of 1408x2048 matrices at rank 417, the root of the tail grew by at most
/// 1e-5 of itself where the last eigenvalue kept was above 1e-4 of the first, by 8e-5 where it was
/// 2e-5 of it, and by 1e-2 where it was 1e-6 of it.
enum SinglePrecisionLimit {
  /// Least last eigenvalue kept, relative to the first.
  static let eigenvalue = 1e-4
  /// Least sum of the eigenvalues not kept, relative to the trace.
  static let tail = 1e-4
  /// Traces whose parts are ordinary single precision numbers.
  static let trace = 1e-24...1e30

  /// Whether the `count` top eigenvectors of a matrix with these eigenvalues, largest first, may be
  /// computed in single precision.
  static func allows(_ values: [Float], count: Int, trace: Double) -> Bool {
    let kept = values.prefix(count).map(Double.init)
    guard let first = kept.first, let last = kept.last, Self.trace.contains(trace) else {
      return false
    }
    return last >= eigenvalue * first && trace - kept.reduce(0, +) >= tail * trace
  }
}

/// The `count` top eigenvectors of a symmetric matrix in single precision, where that suffices.
///
/// The eigenvalues are looked at before the eigenvectors are computed, so a refusal costs only the
/// reduction to tridiagonal form.
///
/// - Parameters:
///   - matrix: Symmetric [n, n], overwritten.
///   - count: Number of vectors.
///   - trace: The trace of the matrix, from a sum in Double.
/// - Returns: Eigenvalues, largest first, and their vectors as orthonormal rows [count, n], or nil
///   when ``SinglePrecisionLimit`` forbids single precision.
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits or LAPACK fails.
func singleEigenpairs(
  of matrix: Matrix,
  count: Int,
  trace: Double
) throws(LinearAlgebraError) -> (values: [Double], vectors: Matrix)? {
  guard SinglePrecisionLimit.trace.contains(trace) else { return nil }
  let vectors = Matrix(unfilledRows: count, columns: matrix.rows)
  defer { withExtendedLifetime((matrix, vectors)) {} }
  let tridiagonal = try Tridiagonal(reducing: matrix.pointer, order: matrix.rows)
  let all = try tridiagonal.eigenvalues()
  guard SinglePrecisionLimit.allows(all, count: count, trace: trace) else { return nil }
  let values = try tridiagonal.topEigenpairs(count, into: vectors.pointer)
  try tridiagonal.carryBack(vectors.pointer, count: count, reflectors: matrix.pointer)
  return (values.map(Double.init), vectors)
}

/// The `count` top eigenpairs of a symmetric matrix, vectors rounded to single precision: computed
/// in single precision where ``SinglePrecisionLimit`` allows it, otherwise in double.
///
/// Where many pairs are wanted, a few dominant ones are taken out in double precision first, so that
/// what single precision has to resolve spans fewer magnitudes; see ``Deflation``. The eigenvectors
/// of those few are approximate, but the subspace of all `count` is as good.
func narrowEigenpairs(
  of matrix: DoubleMatrix,
  count: Int
) throws(LinearAlgebraError) -> (values: [Double], vectors: Matrix) {
  try requireSquare("symmetric eigenproblem", matrix, order: matrix.rows)
  try requireRank(count, limit: matrix.rows)
  try matrix.requireFinite("symmetric eigenproblem")
  if SinglePrecisionLimit.trace.contains(matrix.trace) {
    let pairs =
      count >= Deflation.leastCount
      ? try deflatedEigenpairs(of: matrix, count: count)
      : try singleEigenpairs(of: matrix.narrowed(), count: count, trace: matrix.trace)
    if let pairs { return pairs }
  }
  let eigen = try symmetricEigen(of: matrix, count: count)
  return (eigen.values, eigen.vectors.narrowed())
}

/// The dominant pairs of a ``Deflation``, and the top ones of what remains.
private func deflatedEigenpairs(
  of matrix: DoubleMatrix,
  count: Int
) throws(LinearAlgebraError) -> (values: [Double], vectors: Matrix)? {
  let deflation = try Deflation(of: matrix)
  let dominant = deflation.vectors.narrowed()
  guard
    let rest = try singleEigenpairs(
      of: deflation.remainder,
      count: count - dominant.rows,
      trace: deflation.remainderTrace
    )
  else { return nil }
  // Rounding turned the rest towards the dominant vectors by a little.
  let overlap = try multiply(rest.vectors, transposed: dominant)
  try multiply(overlap.view, dominant.view, into: rest.vectors.view, alpha: -1, beta: 1)
  let vectors = Matrix(unfilledRows: count, columns: matrix.rows)
  vectors.pointer.update(from: dominant.pointer, count: dominant.elements.count)
  (vectors.pointer + dominant.elements.count)
    .update(from: rest.vectors.pointer, count: rest.vectors.elements.count)
  withExtendedLifetime((dominant, rest)) {}
  let values = deflation.values + rest.values
  let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
  return (order.map { values[$0] }, vectors.copy(ofRows: order))
}
