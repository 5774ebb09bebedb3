/// Y = alpha X Wᵀ + beta Y, the product of a linear layer.
///
/// - Parameters:
///   - x: Left operand [n, k].
///   - w: Right operand [m, k], read transposed.
///   - y: Output [n, m]; must not overlap the operands. What it held is ignored when `beta` is 0.
///   - alpha: Factor of the product.
///   - beta: Factor of what the output held.
///   - threads: Most threads to use; the result does not depend on it.
/// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
package func multiply(
  _ x: MatrixView,
  transposed w: MatrixView,
  into y: MatrixView,
  alpha: Float = 1,
  beta: Float = 0,
  threads: Int = 1
) throws(LinearAlgebraError) {
  try requireShape("product with a transposed matrix", w, rows: y.columns, columns: x.columns)
  try requireShape("output of a product", y, rows: x.rows, columns: w.rows)
  try tiledProduct(
    rows: x.rows,
    columns: w.rows,
    depth: x.columns,
    x.operand(),
    w.operand(isTransposed: true),
    into: y.operand(),
    alpha: alpha,
    beta: beta,
    threads: threads
  )
}

/// C = alpha A B + beta C.
///
/// - Parameters:
///   - a: Left operand [n, k].
///   - b: Right operand [k, m].
///   - c: Output [n, m]; must not overlap the operands. What it held is ignored when `beta` is 0.
///   - alpha: Factor of the product.
///   - beta: Factor of what the output held.
///   - threads: Most threads to use; the result does not depend on it.
/// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
package func multiply(
  _ a: MatrixView,
  _ b: MatrixView,
  into c: MatrixView,
  alpha: Float = 1,
  beta: Float = 0,
  threads: Int = 1
) throws(LinearAlgebraError) {
  try requireShape("right operand of a product", b, rows: a.columns, columns: c.columns)
  try requireShape("output of a product", c, rows: a.rows, columns: b.columns)
  try tiledProduct(
    rows: a.rows,
    columns: b.columns,
    depth: a.columns,
    a.operand(),
    b.operand(),
    into: c.operand(),
    alpha: alpha,
    beta: beta,
    threads: threads
  )
}

/// C = alpha Aᵀ B + beta C.
///
/// - Parameters:
///   - a: Left operand [k, n], read transposed.
///   - b: Right operand [k, m].
///   - c: Output [n, m]; must not overlap the operands. What it held is ignored when `beta` is 0.
///   - alpha: Factor of the product.
///   - beta: Factor of what the output held.
///   - threads: Most threads to use; the result does not depend on it.
/// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
package func multiply(
  transposed a: MatrixView,
  _ b: MatrixView,
  into c: MatrixView,
  alpha: Float = 1,
  beta: Float = 0,
  threads: Int = 1
) throws(LinearAlgebraError) {
  try requireShape("right operand of a product", b, rows: a.rows, columns: c.columns)
  try requireShape("output of a product", c, rows: a.columns, columns: b.columns)
  try tiledProduct(
    rows: a.columns,
    columns: b.columns,
    depth: a.rows,
    a.operand(isTransposed: true),
    b.operand(),
    into: c.operand(),
    alpha: alpha,
    beta: beta,
    threads: threads
  )
}

/// X Wᵀ as a new matrix: [n, k] times [m, k] gives [n, m].
///
/// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
package func multiply(
  _ x: Matrix,
  transposed w: Matrix,
  threads: Int = 1
) throws(LinearAlgebraError) -> Matrix {
  let y = Matrix(unfilledRows: x.rows, columns: w.rows)
  try multiply(x.view, transposed: w.view, into: y.view, threads: threads)
  return y
}

/// A B as a new matrix: [n, k] times [k, m] gives [n, m].
///
/// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
package func multiply(
  _ a: Matrix,
  _ b: Matrix,
  threads: Int = 1
) throws(LinearAlgebraError) -> Matrix {
  let c = Matrix(unfilledRows: a.rows, columns: b.columns)
  try multiply(a.view, b.view, into: c.view, threads: threads)
  return c
}

/// Aᵀ B as a new matrix: [k, n] and [k, m] give [n, m].
///
/// - Throws: ``LinearAlgebraError`` when shapes disagree or exceed 32 bits.
package func multiply(
  transposed a: Matrix,
  _ b: Matrix,
  threads: Int = 1
) throws(LinearAlgebraError) -> Matrix {
  let c = Matrix(unfilledRows: a.columns, columns: b.columns)
  try multiply(transposed: a.view, b.view, into: c.view, threads: threads)
  return c
}

extension MatrixView {
  func operand(isTransposed: Bool = false) -> Operand<Float> {
    Operand(pointer: pointer, stride: stride, isTransposed: isTransposed, owner: owner)
  }
}

extension DoubleMatrix {
  func operand(isTransposed: Bool = false) -> Operand<Double> {
    Operand(pointer: pointer, stride: columns, isTransposed: isTransposed, owner: self)
  }
}

private func requireShape(
  _ operation: String,
  _ view: MatrixView,
  rows: Int,
  columns: Int
) throws(LinearAlgebraError) {
  guard view.rows == rows && view.columns == columns else {
    throw .shapeMismatch(
      operation: operation,
      expected: "\(rows)x\(columns)",
      found: "\(view.rows)x\(view.columns)"
    )
  }
}
