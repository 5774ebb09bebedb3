/// Makes the rows of a matrix orthonormal by Householder QR, in place.
///
/// Row i afterwards spans, with the rows above it, what the first i + 1 rows spanned, and points to
/// the same side as before. Where a row depends on those above it (a zero row included) it becomes
/// some unit vector orthogonal to all others, so the result is orthonormal for every input.
///
/// - Parameters:
///   - matrix: Row-major [rows, columns].
///   - rows: Number of rows, at most `columns`.
///   - columns: Number of columns.
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits or LAPACK fails.
/// - Complexity: 4 rows² columns operations.
func orthonormalizeRows<Real: BLASReal>(
  _ matrix: UnsafeMutablePointer<Real>,
  rows: Int,
  columns: Int
) throws(LinearAlgebraError) {
  useSingleThreadedBLAS()
  guard rows > 0 else { return }
  // Rows here are columns to LAPACK.
  let (m, n) = (
    try Tiles.int32(columns, "orthonormalization"), try Tiles.int32(rows, "orthonormalization")
  )
  let workCount = try Tiles.int32(64 * rows, "orthonormalization")
  let memory = AlignedMemory(Real.self, count: rows + Int(workCount))
  let (tau, work) = (memory.numbers(Real.self), memory.numbers(Real.self) + rows)
  try lapack("geqrf", Real.geqrf(m, n, matrix, tau, work, workCount))
  let isFlipped = (0..<rows).map { matrix[$0 * columns + $0] < 0 }
  try lapack("orgqr", Real.orgqr(m, n, matrix, tau, work, workCount))
  for row in 0..<rows where isFlipped[row] {
    for column in 0..<columns {
      matrix[row * columns + column].negate()
    }
  }
  withExtendedLifetime(memory) {}
}

/// Flips rows of `left`, and the same rows of `right`, so that the component of largest magnitude
/// in each row of `left` is positive; among equals the first one counts.
func fixSigns(_ left: Matrix, _ right: Matrix) {
  for index in 0..<left.rows {
    let row = left.row(index)
    var (largest, magnitude) = (Float(0), Float(0))
    for value in row where abs(value) > magnitude { (largest, magnitude) = (value, abs(value)) }
    guard largest < 0 else { continue }
    scale(left.pointer + index * left.columns, by: -1, count: left.columns)
    scale(right.pointer + index * right.columns, by: -1, count: right.columns)
  }
}
