/// Copies `count` numbers to double precision.
func widen(
  _ source: UnsafePointer<Float>,
  into target: UnsafeMutablePointer<Double>,
  count: Int
) {
  for index in 0..<count { target[index] = Double(source[index]) }
}

/// Copies `count` numbers, each rounded to single precision.
func narrow(
  _ source: UnsafePointer<Double>,
  into target: UnsafeMutablePointer<Float>,
  count: Int
) {
  for index in 0..<count { target[index] = Float(source[index]) }
}

/// Multiplies `count` numbers by `factor`.
func scale(_ numbers: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
  for index in 0..<count { numbers[index] *= factor }
}

/// The sum of squares of `count` numbers, in Double, in eight lanes added in a fixed order.
func sumOfSquares(_ numbers: UnsafePointer<Float>, count: Int) -> Double {
  var lanes = SIMD8<Double>.zero
  var index = 0
  while index + 8 <= count {
    let block = UnsafeRawPointer(numbers + index).loadUnaligned(as: SIMD8<Float>.self)
    let wide = SIMD8<Double>(block)
    lanes += wide * wide
    index += 8
  }
  var sum = lanes.sum()
  while index < count {
    sum += Double(numbers[index]) * Double(numbers[index])
    index += 1
  }
  return sum
}

/// The sum of squares of the differences of `count` numbers, as ``sumOfSquares(_:count:)``.
func sumOfSquaredDifferences(
  _ left: UnsafePointer<Float>,
  _ right: UnsafePointer<Float>,
  count: Int
) -> Double {
  var lanes = SIMD8<Double>.zero
  var index = 0
  while index + 8 <= count {
    let a = UnsafeRawPointer(left + index).loadUnaligned(as: SIMD8<Float>.self)
    let b = UnsafeRawPointer(right + index).loadUnaligned(as: SIMD8<Float>.self)
    let wide = SIMD8<Double>(a) - SIMD8<Double>(b)
    lanes += wide * wide
    index += 8
  }
  var sum = lanes.sum()
  while index < count {
    let difference = Double(left[index]) - Double(right[index])
    sum += difference * difference
    index += 1
  }
  return sum
}

extension Matrix {
  /// The sum of squares of all elements, in Double, row by row in a fixed order.
  package var squaredNorm: Double {
    var sum = 0.0
    for row in 0..<rows { sum += sumOfSquares(pointer + row * columns, count: columns) }
    return sum
  }

  /// Refuses a matrix that holds NaN or an infinity.
  ///
  /// - Throws: ``LinearAlgebraError/notFinite(operation:row:column:)`` at the first such element.
  package func requireFinite(_ operation: String) throws(LinearAlgebraError) {
    for row in 0..<rows {
      let numbers = self.row(row)
      // x - x is 0 for finite x and NaN otherwise, and NaN survives the sum.
      var lanes = SIMD8<Float>.zero
      var column = 0
      while column + 8 <= columns {
        let block = UnsafeRawPointer(pointer + row * columns + column)
          .loadUnaligned(as: SIMD8<Float>.self)
        lanes += block - block
        column += 8
      }
      var sum = lanes.sum()
      while column < columns {
        sum += numbers[column] - numbers[column]
        column += 1
      }
      if sum == 0 { continue }
      let first = numbers.firstIndex { !$0.isFinite } ?? 0
      throw .notFinite(operation: operation, row: row, column: first)
    }
  }
}

extension DoubleMatrix {
  /// Refuses a matrix that holds NaN or an infinity.
  ///
  /// - Throws: ``LinearAlgebraError/notFinite(operation:row:column:)`` at the first such element.
  package func requireFinite(_ operation: String) throws(LinearAlgebraError) {
    for index in elements.indices where !elements[index].isFinite {
      throw .notFinite(operation: operation, row: index / columns, column: index % columns)
    }
  }
}
