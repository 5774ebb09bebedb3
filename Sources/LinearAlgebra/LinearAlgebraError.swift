/// A reason a matrix computation cannot be done.
package enum LinearAlgebraError: Error, Equatable, CustomStringConvertible {
  /// A dimension or workspace does not fit the 32-bit integers of BLAS and LAPACK.
  case tooLarge(operation: String, size: Int)
  /// The shapes of the operands do not go together.
  case shapeMismatch(operation: String, expected: String, found: String)
  /// The rank asked for is not in `1...limit`.
  case rankOutOfRange(rank: Int, limit: Int)
  /// An element is NaN or infinite.
  case notFinite(operation: String, row: Int, column: Int)
  /// A Cholesky factorization met a pivot that is not positive.
  case notPositiveDefinite(order: Int, pivot: Int)
  /// A LAPACK routine did not reach its result.
  case noConvergence(routine: String, status: Int)

  /// A sentence that names the rule, the values, and the likely cause.
  package var description: String {
    switch self {
    case .tooLarge(let operation, let size):
      "\(operation): size \(size) exceeds the 32-bit limit of BLAS"
    case .shapeMismatch(let operation, let expected, let found):
      "\(operation): expected \(expected), found \(found)"
    case .rankOutOfRange(let rank, let limit):
      "rank \(rank) is outside 1...\(limit)"
    case .notFinite(let operation, let row, let column):
      "\(operation): element [\(row), \(column)] is NaN or infinite; is the tensor damaged?"
    case .notPositiveDefinite(let order, let pivot):
      "Cholesky of a \(order)x\(order) matrix: pivot \(pivot) is not positive; "
        + "the matrix is singular or indefinite"
    case .noConvergence(let routine, let status):
      "LAPACK \(routine) ended with status \(status)"
    }
  }
}
