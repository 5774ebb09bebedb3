/// A rectangle inside row-major single precision memory.
///
/// The view keeps its owner alive; it does not own the elements itself, and two views may overlap.
package struct MatrixView: @unchecked Sendable {
  /// The first element.
  package let pointer: UnsafeMutablePointer<Float>
  /// Number of rows.
  package let rows: Int
  /// Number of columns.
  package let columns: Int
  /// Elements from the start of one row to the start of the next.
  package let stride: Int

  /// What keeps the memory alive.
  let owner: AnyObject?

  /// Views memory that `owner` keeps alive, or that the caller does when `owner` is nil.
  package init(
    pointer: UnsafeMutablePointer<Float>,
    rows: Int,
    columns: Int,
    stride: Int,
    owner: AnyObject? = nil
  ) {
    precondition(rows >= 0 && columns >= 0 && stride >= columns, "view \(rows)x\(columns)")
    self.pointer = pointer
    self.rows = rows
    self.columns = columns
    self.stride = stride
    self.owner = owner
  }

  /// The part of the view in the given rows and columns.
  package func part(rows rowRange: Range<Int>, columns columnRange: Range<Int>) -> MatrixView {
    precondition(
      rowRange.lowerBound >= 0 && rowRange.upperBound <= rows && columnRange.lowerBound >= 0
        && columnRange.upperBound <= columns,
      "part \(rowRange), \(columnRange) of a view of \(rows)x\(columns)"
    )
    return MatrixView(
      pointer: pointer + rowRange.lowerBound * stride + columnRange.lowerBound,
      rows: rowRange.count,
      columns: columnRange.count,
      stride: stride,
      owner: owner
    )
  }
}

extension Matrix {
  /// The whole matrix as a view.
  package var view: MatrixView {
    MatrixView(pointer: pointer, rows: rows, columns: columns, stride: columns, owner: self)
  }

  /// The rows in `range` as a view on the same memory.
  package func view(ofRows range: Range<Int>) -> MatrixView {
    view.part(rows: range, columns: 0..<columns)
  }

  /// The columns in `range` as a view on the same memory.
  package func view(ofColumns range: Range<Int>) -> MatrixView {
    view.part(rows: 0..<rows, columns: range)
  }
}
