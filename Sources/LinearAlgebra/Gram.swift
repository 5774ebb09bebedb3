internal import Parallelism
/// XᵀX in Double, as a full symmetric matrix.
///
/// The rows are converted to Double in groups of a fixed number and their products added in order,
/// so the result is as exact as Double sums are and does not depend on `threads`.
///
/// - Parameters:
///   - x: Matrix [n, k], for example n token activations of k channels.
///   - sum: When given, a full symmetric matrix [k, k] to which XᵀX is added in place; it is also
///     what is returned. This lets a caller stream the rows in pieces.
///   - threads: Most threads to use.
/// - Returns: Matrix [k, k].
/// - Throws: ``LinearAlgebraError`` when `sum` has another shape or a size exceeds 32 bits.
/// - Complexity: n k² operations.
package func gram(
  _ x: MatrixView,
  addingTo sum: DoubleMatrix? = nil,
  threads: Int = 1
) throws(LinearAlgebraError) -> DoubleMatrix {
  let order = x.columns
  let result = sum ?? DoubleMatrix(rows: order, columns: order)
  try requireSquare("sum of a Gram matrix", result, order: order)
  let piece = AlignedMemory(
    Double.self,
    count: min(Tiles.depth, x.rows) * order,
    isZeroed: false
  )
  nonisolated(unsafe) let numbers = piece.numbers(Double.self)
  for rows in Tiles.ranges(x.rows, size: Tiles.depth) {
    parallelForEach(count: rows.count, threads: threads) { row in
      widen(
        x.pointer + (rows.lowerBound + row) * x.stride,
        into: numbers + row * order,
        count: order
      )
    }
    try tiledSymmetricProduct(
      order: order,
      depth: rows.count,
      Operand(pointer: numbers, stride: order, isTransposed: true, owner: piece),
      into: result.pointer,
      beta: 1,
      threads: threads
    )
  }
  mirrorLowerTriangle(result.pointer, order: order)
  withExtendedLifetime(piece) {}
  return result
}

/// XᵀX of a whole matrix; see ``gram(_:addingTo:threads:)``.
///
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits.
package func gram(_ x: Matrix, threads: Int = 1) throws(LinearAlgebraError) -> DoubleMatrix {
  try gram(x.view, threads: threads)
}

/// W Wᵀ in Double, as a full symmetric matrix.
///
/// - Parameters:
///   - w: Matrix [m, n].
///   - threads: Most threads to use; the result does not depend on it.
/// - Returns: Matrix [m, m].
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits.
/// - Complexity: n m² operations.
package func outerGram(_ w: Matrix, threads: Int = 1) throws(LinearAlgebraError) -> DoubleMatrix {
  let order = w.rows
  let result = DoubleMatrix(rows: order, columns: order)
  let piece = AlignedMemory(
    Double.self,
    count: min(Tiles.depth, w.columns) * order,
    isZeroed: false
  )
  nonisolated(unsafe) let numbers = piece.numbers(Double.self)
  for columns in Tiles.ranges(w.columns, size: Tiles.depth) {
    parallelForEach(count: order, threads: threads) { row in
      widen(
        w.pointer + row * w.columns + columns.lowerBound,
        into: numbers + row * columns.count,
        count: columns.count
      )
    }
    try tiledSymmetricProduct(
      order: order,
      depth: columns.count,
      Operand(pointer: numbers, stride: columns.count, owner: piece),
      into: result.pointer,
      beta: 1,
      threads: threads
    )
  }
  mirrorLowerTriangle(result.pointer, order: order)
  withExtendedLifetime(piece) {}
  return result
}

/// W Wᵀ (or WᵀW when `isTransposed`) in single precision, as a full symmetric matrix.
func singleGram(
  _ w: Matrix,
  isTransposed: Bool,
  threads: Int
) throws(LinearAlgebraError) -> Matrix {
  let (order, depth) = isTransposed ? (w.columns, w.rows) : (w.rows, w.columns)
  let result = Matrix(rows: order, columns: order)
  try tiledSymmetricProduct(
    order: order,
    depth: depth,
    w.view.operand(isTransposed: isTransposed),
    into: result.pointer,
    beta: 0,
    threads: threads
  )
  mirrorLowerTriangle(result.pointer, order: order)
  return result
}

/// W Wᵀ in single precision, as a full symmetric matrix [m, m].
///
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits.
package func singleOuterGram(
  _ w: Matrix,
  threads: Int = 1
) throws(LinearAlgebraError) -> Matrix {
  try singleGram(w, isTransposed: false, threads: threads)
}

func requireSquare(
  _ operation: String,
  _ matrix: DoubleMatrix,
  order: Int
) throws(LinearAlgebraError) {
  guard matrix.rows == order && matrix.columns == order else {
    throw .shapeMismatch(
      operation: operation,
      expected: "\(order)x\(order)",
      found: "\(matrix.rows)x\(matrix.columns)"
    )
  }
}
