/// The rank-r matrix whose outputs are closest to those of W on inputs of second moment G.
///
/// Among all W' of rank r, E‖(W - W')x‖² with E[x xᵀ] = G is least for W' = Q Qᵀ W, where the
/// columns of Q [m, r] are the top eigenvectors of the output second moment W G Wᵀ. The objective
/// is the one of SVD-LLM (arXiv 2403.07378) and Swift-SVD (arXiv 2604.01609); in this form no
/// inverse of a factor of G is needed.
package struct WhitenedFactorization: Sendable {
  /// Qᵀ: orthonormal rows [r, m], most important first, largest component of each positive.
  package let basis: Matrix
  /// QᵀW [r, n].
  package let product: Matrix
  /// The r largest eigenvalues of W G Wᵀ, largest first.
  package let eigenvalues: [Double]
  /// The trace of W G Wᵀ, which is E‖W x‖².
  package let outputEnergy: Double

  /// The relative output error, sqrt(E‖(W - W')x‖² / E‖W x‖²): the least possible at this rank.
  package var relativeOutputError: Double {
    tailError(eigenvalues: eigenvalues, trace: outputEnergy)
  }

  /// Factors W for inputs of second moment `inputMoment`.
  ///
  /// With m <= n the eigenproblem is the one of W G Wᵀ [m, m]. Otherwise, with G = S Sᵀ, it is the
  /// one of SᵀWᵀW S [n, n], whose eigenvectors v give the columns W S v of Q; W S is rounded to
  /// single precision as outputs are. Where W G Wᵀ has rank below r, Q is completed to orthonormal
  /// columns; nothing is divided by an eigenvalue.
  ///
  /// - Parameters:
  ///   - w: Matrix [m, n].
  ///   - inputMoment: G [n, n], symmetric positive semidefinite, for example ``gram(_:threads:)``
  ///     of the inputs; its scale does not matter.
  ///   - rank: r, in `1...min(m, n)`.
  ///   - threads: Most threads to use; the result does not depend on it.
  /// - Throws: ``LinearAlgebraError`` when shapes or rank do not fit, an element is not finite, or
  ///   LAPACK fails.
  package init(
    _ w: Matrix,
    inputMoment: DoubleMatrix,
    rank: Int,
    threads: Int = 1
  ) throws(LinearAlgebraError) {
    try requireRank(rank, limit: min(w.rows, w.columns))
    try requireSquare("input second moment", inputMoment, order: w.columns)
    try w.requireFinite("whitened factorization")
    try inputMoment.requireFinite("input second moment")
    if w.rows <= w.columns {
      let moment = try outputMoment(of: w, inputMoment: inputMoment, threads: threads)
      try self.init(checked: w, outputMoment: moment, rank: rank, threads: threads)
    } else {
      try self.init(inputSide: w, inputMoment: inputMoment, rank: rank, threads: threads)
    }
  }

  /// Factors W for outputs of second moment `outputMoment`, often at hand as YᵀY of Y = X Wᵀ.
  ///
  /// - Parameters:
  ///   - w: Matrix [m, n].
  ///   - outputMoment: W G Wᵀ [m, m], symmetric positive semidefinite.
  ///   - rank: r, in `1...min(m, n)`.
  ///   - threads: Most threads to use; the result does not depend on it.
  /// - Throws: ``LinearAlgebraError`` when shapes or rank do not fit, an element is not finite, or
  ///   LAPACK fails.
  package init(
    _ w: Matrix,
    outputMoment: DoubleMatrix,
    rank: Int,
    threads: Int = 1
  ) throws(LinearAlgebraError) {
    try requireRank(rank, limit: min(w.rows, w.columns))
    try requireSquare("output second moment", outputMoment, order: w.rows)
    try w.requireFinite("whitened factorization")
    try self.init(checked: w, outputMoment: outputMoment, rank: rank, threads: threads)
  }

  private init(
    checked w: Matrix,
    outputMoment: DoubleMatrix,
    rank: Int,
    threads: Int
  ) throws(LinearAlgebraError) {
    let eigen = try narrowEigenpairs(of: outputMoment, count: rank)
    try self.init(
      basis: eigen.vectors,
      of: w,
      eigenvalues: eigen.values,
      outputEnergy: outputMoment.trace,
      threads: threads
    )
  }

  private init(
    inputSide w: Matrix,
    inputMoment: DoubleMatrix,
    rank: Int,
    threads: Int
  ) throws(LinearAlgebraError) {
    // B = W S, then BᵀB = SᵀWᵀW S.
    let weighted = try MomentRoot(inputMoment)
      .multiplyFromRight(w, threads: threads)
    let inner = try gram(weighted, threads: threads)
    let eigen = try narrowEigenpairs(of: inner, count: min(rank, inner.rows))
    // Rows of (B V)ᵀ; rows that G leaves no energy for stay zero and are completed by QR.
    let basis = Matrix(rows: rank, columns: w.rows)
    try multiply(
      eigen.vectors.view,
      transposed: weighted.view,
      into: basis.view(ofRows: 0..<eigen.vectors.rows),
      threads: threads
    )
    try orthonormalizeRows(basis.pointer, rows: rank, columns: w.rows)
    try self.init(
      basis: basis,
      of: w,
      eigenvalues: eigen.values + Array(repeating: 0, count: rank - eigen.values.count),
      outputEnergy: inner.trace,
      threads: threads
    )
  }

  private init(
    basis: Matrix,
    of w: Matrix,
    eigenvalues: [Double],
    outputEnergy: Double,
    threads: Int
  ) throws(LinearAlgebraError) {
    let product = try multiply(basis, w, threads: threads)
    fixSigns(basis, product)
    self.basis = basis
    self.product = product
    self.eigenvalues = eigenvalues.map { max(0, $0) }
    self.outputEnergy = outputEnergy
  }
}

/// W G Wᵀ in Double, as a full symmetric matrix [m, m].
///
/// - Parameters:
///   - w: Matrix [m, n].
///   - inputMoment: G [n, n], symmetric.
///   - threads: Most threads to use; the result does not depend on it.
/// - Returns: W G Wᵀ.
/// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
/// - Complexity: 2 m n² + m² n operations.
package func outputMoment(
  of w: Matrix,
  inputMoment: DoubleMatrix,
  threads: Int = 1
) throws(LinearAlgebraError) -> DoubleMatrix {
  let (m, n) = (w.rows, w.columns)
  try requireSquare("input second moment", inputMoment, order: n)
  let wide = w.widened()
  let weighted = DoubleMatrix(unfilledRows: m, columns: n)
  try tiledProduct(
    rows: m,
    columns: n,
    depth: n,
    wide.operand(),
    inputMoment.operand(),
    into: weighted.operand(),
    threads: threads
  )
  let result = DoubleMatrix(rows: m, columns: m)
  try tiledLowerProduct(
    order: m,
    depth: n,
    weighted.operand(),
    wide.operand(),
    into: result.pointer,
    beta: 0,
    isSymmetric: false,
    threads: threads
  )
  mirrorLowerTriangle(result.pointer, order: m)
  withExtendedLifetime((wide, weighted, inputMoment)) {}
  return result
}
