/// How a truncated singular value decomposition is computed.
package enum SVDRoute: Sendable, Equatable {
  /// The fastest route whose error is within 1e-4 of the least possible one: the Gram matrix in
  /// single precision where the spectrum allows it, otherwise ``gram``.
  case automatic
  /// Eigenvectors of the Gram matrix of the short side, in double precision.
  case gram
  /// LAPACK sgesdd, the whole decomposition.
  case lapack
  /// Randomized range finder (Halko, Martinsson and Tropp, arXiv 0909.4061, algorithms 4.4 and
  /// 5.1): a Gaussian sketch of rank + `oversampling` rows, improved by `powerIterations` passes
  /// over W and Wᵀ with orthonormalization after each. Its error is measured, not guaranteed.
  case randomized(seed: UInt64, oversampling: Int = 32, powerIterations: Int = 4)
}

/// The leading part of a singular value decomposition, W ≈ U diag(σ) Vᵀ.
package struct TruncatedSVD: Sendable {
  /// Uᵀ: left singular vectors as orthonormal rows [r, m].
  package let leftVectors: Matrix
  /// σ, largest first.
  package let singularValues: [Double]
  /// Vᵀ: right singular vectors as orthonormal rows [r, n].
  package let rightVectors: Matrix
  /// Relative error in the Frobenius norm, ‖W - U diag(σ) Vᵀ‖ / ‖W‖, as measured.
  package let relativeError: Double

  /// U [m, r].
  package var u: Matrix { leftVectors.transposed() }
}

/// The `rank` largest singular values of W with their vectors.
///
/// Each left vector has its component of largest magnitude positive. Singular values at the level
/// of rounding, about √max(m, n) ulp of the largest, are given as computed, and their vectors are
/// only sure to complete the others to an orthonormal set; so are those of singular value zero.
///
/// - Parameters:
///   - w: Matrix [m, n].
///   - rank: Number of singular values, in `1...min(m, n)`.
///   - route: How to compute; see ``SVDRoute``.
///   - threads: Most threads to use; the result does not depend on it.
/// - Returns: Vectors as rows, values descending, and the measured error. For ``SVDRoute/automatic``
///   and ``SVDRoute/gram`` the error is within 1e-4 of the least possible one, relatively, or at
///   the level of single precision rounding (1e-6 of ‖W‖).
/// - Throws: ``LinearAlgebraError`` when the rank is out of range, an element is NaN or infinite, a
///   size exceeds 32 bits, or LAPACK fails.
package func truncatedSVD(
  _ w: Matrix,
  rank: Int,
  route: SVDRoute = .automatic,
  threads: Int = 1
) throws(LinearAlgebraError) -> TruncatedSVD {
  try requireRank(rank, limit: min(w.rows, w.columns))
  try w.requireFinite("singular value decomposition")
  let squaredNorm = w.squaredNorm
  switch route {
  case .automatic, .gram:
    var subspace = try DominantSubspace(
      of: w,
      rank: rank,
      squaredNorm: squaredNorm,
      precision: route == .gram ? .double : .automatic,
      threads: threads
    )
    if route == .automatic && subspace.spread.smallest < 0.01 * subspace.spread.largest {
      subspace = try subspace.rotatedToSingularVectors(threads: threads)
    }
    return try finish(
      basis: subspace.basis,
      product: subspace.product,
      isOfRows: subspace.isOfRows,
      of: w,
      squaredNorm: squaredNorm,
      threads: threads
    )
  case .lapack:
    return try lapackSVD(w, rank: rank, squaredNorm: squaredNorm, threads: threads)
  case .randomized(let seed, let oversampling, let powerIterations):
    let (basis, product) = try randomizedSubspace(
      w,
      rank: rank,
      seed: seed,
      oversampling: oversampling,
      powerIterations: powerIterations,
      threads: threads
    )
    return try finish(
      basis: basis,
      product: product,
      isOfRows: false,
      of: w,
      squaredNorm: squaredNorm,
      threads: threads
    )
  }
}

/// Makes a decomposition of an orthonormal basis of one side and its product with W, whose rows are
/// orthogonal and have the singular values for norms. `product` becomes the other side's vectors.
private func finish(
  basis: Matrix,
  product: Matrix,
  isOfRows: Bool,
  of w: Matrix,
  squaredNorm: Double,
  threads: Int
) throws(LinearAlgebraError) -> TruncatedSVD {
  let norms = (0..<product.rows).map {
    sumOfSquares(product.pointer + $0 * product.columns, count: product.columns).squareRoot()
  }
  // Rounding may leave close singular values in the wrong order.
  let order = norms.indices.sorted { (norms[$1], $0) < (norms[$0], $1) }
  let isInOrder = order == Array(norms.indices)
  let basis = isInOrder ? basis : basis.copy(ofRows: order)
  let vectors = isInOrder ? product : product.copy(ofRows: order)
  let values = order.map { norms[$0] }
  try normalizeRows(vectors, norms: values)
  let (left, right) = isOfRows ? (vectors, basis) : (basis, vectors)
  fixSigns(left, right)
  return TruncatedSVD(
    leftVectors: left,
    singularValues: values,
    rightVectors: right,
    relativeError: try measuredError(
      of: w,
      left: left,
      values: values,
      right: right,
      squaredNorm: squaredNorm,
      threads: threads
    )
  )
}

/// Divides each row by its norm. When some norms are as small as rounding, their rows need not be
/// orthogonal, so all rows are then orthonormalized from the first one down.
private func normalizeRows(_ vectors: Matrix, norms: [Double]) throws(LinearAlgebraError) {
  let threshold =
    (norms.first ?? 0) * Double(vectors.columns).squareRoot() * Double(Float.ulpOfOne)
  for (row, norm) in norms.enumerated() where norm > 0 {
    // Dividing by a tiny norm could overflow Float, so the division is done in Double.
    let numbers = vectors.row(row)
    for column in numbers.indices { numbers[column] = Float(Double(numbers[column]) / norm) }
  }
  if norms.contains(where: { $0 <= threshold }) {
    try orthonormalizeRows(vectors.pointer, rows: vectors.rows, columns: vectors.columns)
  }
}

/// ‖W - U diag(σ) Vᵀ‖ / ‖W‖.
///
/// As U is orthonormal and σ Vᵀ = UᵀW the squared error is ‖W‖² - Σσ². Where little is left that
/// difference cancels, and the residual is formed and summed instead.
private func measuredError(
  of w: Matrix,
  left: Matrix,
  values: [Double],
  right: Matrix,
  squaredNorm: Double,
  threads: Int
) throws(LinearAlgebraError) -> Double {
  let tail = squaredNorm - values.reduce(0) { $0 + $1 * $1 }
  guard tail < 0.01 * squaredNorm else { return relativeRoot(tail, of: squaredNorm) }
  let scaled = left.copy(ofRows: 0..<left.rows)
  for (row, value) in values.enumerated() {
    scale(scaled.pointer + row * scaled.columns, by: Float(value), count: scaled.columns)
  }
  let residual = try squaredResidual(of: w, left: scaled, right: right, threads: threads)
  return relativeRoot(residual, of: squaredNorm)
}

/// The first rows of the decomposition sgesdd gives.
private func lapackSVD(
  _ w: Matrix,
  rank: Int,
  squaredNorm: Double,
  threads: Int
) throws(LinearAlgebraError) -> TruncatedSVD {
  let short = min(w.rows, w.columns)
  // To LAPACK the matrix is Wᵀ, so its left vectors are the right ones of W.
  let right = Matrix(rows: short, columns: w.columns)
  let left = Matrix(rows: w.rows, columns: short)
  let values = try singleSVD(w.copy(ofRows: 0..<w.rows), right: right, left: left)
  let kept = (
    left: left.transposed().copy(ofRows: 0..<rank), right: right.copy(ofRows: 0..<rank)
  )
  fixSigns(kept.left, kept.right)
  let keptValues = values.prefix(rank).map(Double.init)
  return TruncatedSVD(
    leftVectors: kept.left,
    singularValues: keptValues,
    rightVectors: kept.right,
    relativeError: try measuredError(
      of: w,
      left: kept.left,
      values: keptValues,
      right: kept.right,
      squaredNorm: squaredNorm,
      threads: threads
    )
  )
}

/// Basis [r, m] and product [r, n] by the randomized range finder and a Rayleigh-Ritz step.
private func randomizedSubspace(
  _ w: Matrix,
  rank: Int,
  seed: UInt64,
  oversampling: Int,
  powerIterations: Int,
  threads: Int
) throws(LinearAlgebraError) -> (basis: Matrix, product: Matrix) {
  let width = min(rank + max(0, oversampling), min(w.rows, w.columns))
  var generator = SeededGenerator(seed: seed)
  let sketch = Matrix.gaussian(rows: width, columns: w.columns, generator: &generator)
  var basis = try multiply(sketch, transposed: w, threads: threads)
  try orthonormalizeRows(basis.pointer, rows: width, columns: w.rows)
  for _ in 0..<max(0, powerIterations) {
    let other = try multiply(basis, w, threads: threads)
    try orthonormalizeRows(other.pointer, rows: width, columns: w.columns)
    basis = try multiply(other, transposed: w, threads: threads)
    try orthonormalizeRows(basis.pointer, rows: width, columns: w.rows)
  }
  let product = try multiply(basis, w, threads: threads)
  let eigen = try symmetricEigen(of: try outerGram(product, threads: threads), count: rank)
  let rotation = eigen.vectors.narrowed()
  return (
    try multiply(rotation, basis, threads: threads),
    try multiply(rotation, product, threads: threads)
  )
}
