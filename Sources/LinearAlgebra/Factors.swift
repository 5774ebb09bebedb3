/// Two thin matrices whose product stands in for a weight, W ≈ LᵀR.
///
/// For every i, row i of `left` and row i of `right` have the same norm, so both can be stored in a
/// narrow format with like relative precision.
package struct LowRankFactors: Sendable {
  /// L = Uᵀ [r, m].
  package let left: Matrix
  /// R = V [r, n].
  package let right: Matrix

  /// The best rank-r approximation of W itself (MoE-I², arXiv 2411.01016, intra-expert low-rank
  /// decomposition): U = U_r Σ_r^½ and V = Σ_r^½ V_rᵀ.
  ///
  /// Rows come in descending order of what they contribute; between nearly equal singular values
  /// they may be any orthogonal mixture, which does not change the product.
  ///
  /// - Parameters:
  ///   - w: Matrix [m, n].
  ///   - rank: r, in `1...min(m, n)`.
  ///   - threads: Most threads to use; the result does not depend on it.
  /// - Returns: Factors [rank, m] and [rank, n].
  /// - Throws: ``LinearAlgebraError`` when the rank is out of range, an element is NaN or infinite,
  ///   or LAPACK fails.
  package static func plain(
    _ w: Matrix,
    rank: Int,
    threads: Int = 1
  ) throws(LinearAlgebraError) -> LowRankFactors {
    try requireRank(rank, limit: min(w.rows, w.columns))
    try w.requireFinite("low-rank factors")
    let subspace = try DominantSubspace(
      of: w,
      rank: rank,
      squaredNorm: w.squaredNorm,
      precision: .automatic,
      threads: threads
    )
    let (left, right) =
      subspace.isOfRows
      ? (subspace.product, subspace.basis) : (subspace.basis, subspace.product)
    fixSigns(left, right)
    return LowRankFactors(balancing: left, right)
  }

  /// The rank-r approximation whose outputs are best on inputs of the given second moment; see
  /// ``WhitenedFactorization``.
  ///
  /// - Throws: ``LinearAlgebraError`` when shapes or rank do not fit, an element is not finite, or
  ///   LAPACK fails.
  package static func whitened(
    _ w: Matrix,
    inputMoment: DoubleMatrix,
    rank: Int,
    threads: Int = 1
  ) throws(LinearAlgebraError) -> LowRankFactors {
    LowRankFactors(
      try WhitenedFactorization(w, inputMoment: inputMoment, rank: rank, threads: threads)
    )
  }

  /// The factors Qᵀ and QᵀW of a whitened factorization, balanced.
  ///
  /// The matrices of `factorization` are left as they are.
  package init(_ factorization: WhitenedFactorization) {
    let (basis, product) = (factorization.basis, factorization.product)
    self.init(
      balancing: basis.copy(ofRows: 0..<basis.rows),
      product.copy(ofRows: 0..<product.rows)
    )
  }

  /// Takes two matrices [r, m] and [r, n] and scales their rows in place so that each pair has
  /// equal norms and the product stays; a pair of which one row is zero becomes zero.
  package init(balancing left: Matrix, _ right: Matrix) {
    precondition(left.rows == right.rows, "factors of rank \(left.rows) and \(right.rows)")
    for row in 0..<left.rows {
      let (a, b) = (left.pointer + row * left.columns, right.pointer + row * right.columns)
      let normA = sumOfSquares(a, count: left.columns).squareRoot()
      let normB = sumOfSquares(b, count: right.columns).squareRoot()
      let isZero = normA == 0 || normB == 0
      let ratio = isZero ? 0 : (normB / normA).squareRoot()
      scale(a, by: Float(ratio), count: left.columns)
      scale(b, by: isZero ? 0 : Float(1 / ratio), count: right.columns)
    }
    self.left = left
    self.right = right
  }

  /// r, the number of rows of both factors.
  package var rank: Int { left.rows }

  /// LᵀR [m, n].
  ///
  /// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits.
  package func product(threads: Int = 1) throws(LinearAlgebraError) -> Matrix {
    try multiply(transposed: left, right, threads: threads)
  }

  /// ‖W - LᵀR‖ / ‖W‖ in the Frobenius norm, summed in Double; 0 when W is zero.
  ///
  /// - Throws: ``LinearAlgebraError`` when W has another shape or a size exceeds 32 bits.
  package func relativeError(to w: Matrix, threads: Int = 1) throws(LinearAlgebraError) -> Double {
    guard w.rows == left.columns && w.columns == right.columns else {
      throw .shapeMismatch(
        operation: "error of factors",
        expected: "\(left.columns)x\(right.columns)",
        found: "\(w.rows)x\(w.columns)"
      )
    }
    let residual = try squaredResidual(of: w, left: left, right: right, threads: threads)
    return relativeRoot(residual, of: w.squaredNorm)
  }
}
