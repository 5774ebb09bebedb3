/// A row-major matrix of double precision numbers.
///
/// The memory is counted by ``BufferAccounting``, and is freed with the object.
/// The class does no locking: share it for reading, or let each thread write its own rows.
package final class DoubleMatrix: @unchecked Sendable {
  /// Number of rows.
  package let rows: Int
  /// Number of columns, which is also the distance between rows.
  package let columns: Int
  /// All elements, row after row; valid while the matrix lives.
  ///
  /// Keep the matrix in a variable, and beyond the last use of the elements: what is read off a
  /// temporary, as in `a.transposed().elements`, may be gone before it is used.
  package let elements: UnsafeMutableBufferPointer<Double>

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
    memory = AlignedMemory(Double.self, count: count, isZeroed: isZeroed)
    elements = UnsafeMutableBufferPointer(start: memory.numbers(Double.self), count: count)
  }

  /// Makes a matrix from its elements, row after row; `values` must hold `rows * columns`.
  package convenience init(rows: Int, columns: Int, values: some Collection<Double>) {
    self.init(rows: rows, columns: columns)
    precondition(values.count == elements.count, "\(values.count) values for \(rows)x\(columns)")
    _ = elements.update(fromContentsOf: values)
  }

  /// A copy of all elements, row after row; safe on a temporary.
  package var values: [Double] { withExtendedLifetime(self) { Array(elements) } }

  /// The address of the first element; valid while the matrix lives.
  package var pointer: UnsafeMutablePointer<Double> { memory.numbers(Double.self) }

  /// The element at `row`, `column`.
  package subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  /// The elements of one row; valid while the matrix lives.
  package func row(_ index: Int) -> UnsafeMutableBufferPointer<Double> {
    precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
    return UnsafeMutableBufferPointer(start: pointer + index * columns, count: columns)
  }

  /// A copy of all elements.
  package func copy() -> DoubleMatrix {
    let copy = DoubleMatrix(unfilledRows: rows, columns: columns)
    copy.pointer.update(from: pointer, count: elements.count)
    return copy
  }

  /// A copy rounded to single precision.
  package func narrowed() -> Matrix {
    let result = Matrix(unfilledRows: rows, columns: columns)
    narrow(pointer, into: result.pointer, count: elements.count)
    return result
  }

  /// The sum of the diagonal.
  package var trace: Double {
    var sum = 0.0
    for index in 0..<min(rows, columns) { sum += self[index, index] }
    return sum
  }
}
