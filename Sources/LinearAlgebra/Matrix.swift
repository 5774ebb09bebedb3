/// A row-major matrix of single precision numbers.
///
/// The memory is counted by ``BufferAccounting``, and is freed with the object.
/// The class does no locking: share it for reading, or let each thread write its own rows.
package final class Matrix: @unchecked Sendable {
  /// Number of rows.
  package let rows: Int
  /// Number of columns, which is also the distance between rows.
  package let columns: Int
  /// All elements, row after row; valid while the matrix lives.
  ///
  /// Keep the matrix in a variable, and beyond the last use of the elements: what is read off a
  /// temporary, as in `a.transposed().elements`, may be gone before it is used.
  package let elements: UnsafeMutableBufferPointer<Float>

  private let memory: AlignedMemory

  /// Makes a matrix of zeros.
  package convenience init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, isZeroed: true)
  }

  /// Makes a matrix that holds anything, for a caller that writes every element before it reads it.
  package convenience init(unfilledRows rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, isZeroed: false)
  }

  private init(rows: Int, columns: Int, isZeroed: Bool) {
    precondition(rows >= 0 && columns >= 0, "matrix of \(rows)x\(columns)")
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    precondition(!overflow, "matrix of \(rows)x\(columns)")
    self.rows = rows
    self.columns = columns
    memory = AlignedMemory(Float.self, count: count, isZeroed: isZeroed)
    elements = UnsafeMutableBufferPointer(start: memory.numbers(Float.self), count: count)
  }

  /// Makes a matrix from its elements, row after row; `values` must hold `rows * columns`.
  package convenience init(rows: Int, columns: Int, values: some Collection<Float>) {
    self.init(rows: rows, columns: columns)
    precondition(values.count == elements.count, "\(values.count) values for \(rows)x\(columns)")
    _ = elements.update(fromContentsOf: values)
  }

  /// A copy of all elements, row after row; safe on a temporary.
  package var values: [Float] { withExtendedLifetime(self) { Array(elements) } }

  /// The address of the first element; valid while the matrix lives.
  package var pointer: UnsafeMutablePointer<Float> { memory.numbers(Float.self) }

  /// The element at `row`, `column`.
  package subscript(row: Int, column: Int) -> Float {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  /// The elements of one row; valid while the matrix lives.
  package func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
    return UnsafeMutableBufferPointer(start: pointer + index * columns, count: columns)
  }

  /// A copy of the rows in `range`.
  package func copy(ofRows range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
    let copy = Matrix(unfilledRows: range.count, columns: columns)
    copy.pointer.update(
      from: pointer + range.lowerBound * columns,
      count: range.count * columns
    )
    return copy
  }

  /// A copy of the rows at `indices`, in that order.
  package func copy(ofRows indices: [Int]) -> Matrix {
    let copy = Matrix(unfilledRows: indices.count, columns: columns)
    for (target, source) in indices.enumerated() {
      _ = copy.row(target).update(from: row(source))
    }
    return copy
  }

  /// A copy with rows and columns exchanged.
  package func transposed() -> Matrix {
    let result = Matrix(unfilledRows: columns, columns: rows)
    transpose(pointer, rows: rows, columns: columns, into: result.pointer)
    return result
  }

  /// A copy in double precision.
  package func widened() -> DoubleMatrix {
    let result = DoubleMatrix(unfilledRows: rows, columns: columns)
    widen(pointer, into: result.pointer, count: elements.count)
    return result
  }
}

/// Copies a row-major matrix with rows and columns exchanged, in squares that stay in the cache.
private func transpose(
  _ source: UnsafeMutablePointer<Float>,
  rows: Int,
  columns: Int,
  into target: UnsafeMutablePointer<Float>
) {
  let side = 32
  for top in stride(from: 0, to: rows, by: side) {
    for left in stride(from: 0, to: columns, by: side) {
      for column in left..<min(left + side, columns) {
        for row in top..<min(top + side, rows) {
          target[column * rows + row] = source[row * columns + column]
        }
      }
    }
  }
}
