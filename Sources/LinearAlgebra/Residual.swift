internal import Parallelism
/// The squared Frobenius norm of W - LᵀR, in Double, a fixed number of rows at a time.
///
/// - Parameters:
///   - w: Matrix [m, n].
///   - left: L [r, m].
///   - right: R [r, n].
///   - threads: Most threads to use; the result does not depend on it.
/// - Returns: ‖W - LᵀR‖².
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits.
func squaredResidual(
  of w: Matrix,
  left: Matrix,
  right: Matrix,
  threads: Int
) throws(LinearAlgebraError) -> Double {
  let tiles = Tiles.ranges(w.rows, size: Tiles.rows)
  let sums = DoubleMatrix(rows: 1, columns: tiles.count)
  try parallelForEach(count: tiles.count, threads: threads) {
    index throws(LinearAlgebraError) in
    let rows = tiles[index]
    let product = Matrix(unfilledRows: rows.count, columns: w.columns)
    try multiply(transposed: left.view(ofColumns: rows), right.view, into: product.view)
    sums[0, index] = withExtendedLifetime(product) {
      sumOfSquaredDifferences(
        product.pointer,
        w.pointer + rows.lowerBound * w.columns,
        count: product.elements.count
      )
    }
  }
  return withExtendedLifetime(sums) { sums.elements.reduce(0, +) }
}

/// `sqrt(part / whole)`, and 0 when the whole is 0.
func relativeRoot(_ part: Double, of whole: Double) -> Double {
  whole > 0 ? (max(0, part) / whole).squareRoot() : 0
}
