/// A few dominant eigenpairs of a symmetric positive semidefinite matrix A, and A without them.
///
/// V comes from the block Krylov space XA, XA², … XA⁶ of random rows X by a Rayleigh-Ritz step (Musco
/// and Musco, arXiv 1504.05477), of which half a block is kept, the part that has converged. With P
/// the projector on V the remainder is (I - P) A (I - P). If V lies within the span of the r top
/// eigenvectors of A, then V and the r - p top eigenvectors of the remainder span exactly that space,
/// however well or badly V's own vectors have converged; and V does, as components beyond r fade with
/// the powers of A. Where few eigenvalues stand out of a flat rest they fade least: then the error of
/// rank r grew by 2e-5 of itself, with a whole block kept after four powers by 5e-4.
struct Deflation {
  /// V: orthonormal rows [p, n], largest Ritz value first.
  let vectors: DoubleMatrix
  /// Ritz values, largest first.
  let values: [Double]
  /// (I - P) A (I - P) [n, n], computed in Double and rounded to single precision.
  let remainder: Matrix
  /// Its trace before rounding.
  let remainderTrace: Double

  /// p, the number of pairs taken out.
  static let pairs = 16
  /// Fewest wanted eigenpairs with which taking some out is worth while; a Krylov space has as many.
  static let leastCount = powers * blockRows
  private static let blockRows = 2 * pairs
  private static let powers = 6

  /// Takes ``pairs`` eigenpairs out of `matrix` [n, n], which is left as it is.
  ///
  /// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits or LAPACK fails.
  /// - Complexity: 52 p n² operations.
  init(of matrix: DoubleMatrix) throws(LinearAlgebraError) {
    let (p, n) = (Self.pairs, matrix.rows)
    let width = Self.powers * Self.blockRows
    let space = try Self.krylovSpace(of: matrix)
    let images = DoubleMatrix(unfilledRows: width, columns: n)
    try product(space.operand(), matrix.operand(), width, n, depth: n, into: images)
    let small = DoubleMatrix(unfilledRows: width, columns: width)
    let transposed = space.operand(isTransposed: true)
    try product(images.operand(), transposed, width, width, depth: n, into: small)
    let ritz = try symmetricEigen(of: small, count: p)
    // A' = A - VᵀZ - ZᵀV with Z = V A - ½ Λ V, as the factors [V; Z] and [Z; V].
    let left = DoubleMatrix(unfilledRows: 2 * p, columns: n)
    let right = DoubleMatrix(unfilledRows: 2 * p, columns: n)
    try product(ritz.vectors.operand(), space.operand(), p, n, depth: width, into: left)
    try product(ritz.vectors.operand(), images.operand(), p, n, depth: width, into: right)
    for row in 0..<p {
      let (v, image) = (left.row(row), right.row(row))
      for i in 0..<n { image[i] -= ritz.values[row] / 2 * v[i] }
      _ = left.row(p + row).update(fromContentsOf: image)
      _ = right.row(p + row).update(fromContentsOf: v)
    }
    let rest = matrix.copy()
    try tiledProduct(
      rows: n,
      columns: n,
      depth: 2 * p,
      left.operand(isTransposed: true),
      right.operand(),
      into: rest.operand(),
      alpha: -1,
      beta: 1,
      threads: 1
    )
    remainder = rest.narrowed()
    remainderTrace = rest.trace
    vectors = DoubleMatrix(unfilledRows: p, columns: n)
    vectors.pointer.update(from: left.pointer, count: p * n)
    values = ritz.values
    withExtendedLifetime((left, right)) {}
  }

  /// Orthonormal rows that span XA, XA², …
  private static func krylovSpace(of matrix: DoubleMatrix) throws(LinearAlgebraError)
    -> DoubleMatrix
  {
    let n = matrix.rows
    var generator = SeededGenerator(seed: 0)
    var block = Matrix.gaussian(rows: blockRows, columns: n, generator: &generator).widened()
    let space = DoubleMatrix(unfilledRows: powers * blockRows, columns: n)
    for power in 0..<powers {
      let next = DoubleMatrix(unfilledRows: blockRows, columns: n)
      try product(block.operand(), matrix.operand(), blockRows, n, depth: n, into: next)
      try orthonormalizeRows(next.pointer, rows: blockRows, columns: n)
      (space.pointer + power * blockRows * n).update(from: next.pointer, count: blockRows * n)
      block = next
    }
    try orthonormalizeRows(space.pointer, rows: powers * blockRows, columns: n)
    withExtendedLifetime((block, space)) {}
    return space
  }
}

/// The product of two operands, [rows, depth] and [depth, columns], on one thread.
private func product(
  _ a: Operand<Double>,
  _ b: Operand<Double>,
  _ rows: Int,
  _ columns: Int,
  depth: Int,
  into c: DoubleMatrix
) throws(LinearAlgebraError) {
  try tiledProduct(
    rows: rows,
    columns: columns,
    depth: depth,
    a,
    b,
    into: c.operand(),
    threads: 1
  )
}
