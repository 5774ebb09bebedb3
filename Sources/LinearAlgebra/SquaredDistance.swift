/// ‖A − B‖² in Double, where B may be part of a taller matrix.
///
/// - Parameters:
///   - a: [rows, columns].
///   - b: As many columns, and the rows from `fromRow` on that `a` is compared with.
///   - fromRow: The row of `b` that stands against the first of `a`.
/// - Returns: The sum over all elements, row by row.
package func squaredDistance(_ a: Matrix, _ b: Matrix, fromRow: Int = 0) -> Double {
  precondition(a.columns == b.columns && fromRow + a.rows <= b.rows)
  var sum = 0.0
  for row in 0..<a.rows {
    let (x, y) = (a.row(row), b.row(fromRow + row))
    var rowSum = 0.0
    for i in 0..<x.count {
      let difference = Double(x[i]) - Double(y[i])
      rowSum += difference * difference
    }
    sum += rowSum
  }
  return sum
}
