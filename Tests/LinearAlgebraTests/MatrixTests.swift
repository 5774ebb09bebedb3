import Testing

@testable import LinearAlgebra

@Suite("Matrix")
struct MatrixTests {
  @Test("a new matrix is zero, small and large", arguments: [3, 300])
  func zeros(side: Int) {
    #expect(Matrix(rows: side, columns: side).values.allSatisfy { $0 == 0 })
    #expect(DoubleMatrix(rows: side, columns: side).values.allSatisfy { $0 == 0 })
  }

  @Test("elements are row-major")
  func layout() {
    let matrix = Matrix(rows: 2, columns: 3, values: [1, 2, 3, 4, 5, 6])
    #expect(matrix[1, 0] == 4)
    #expect(Array(matrix.row(1)) == [4, 5, 6])
    #expect(matrix.transposed().values == [1, 4, 2, 5, 3, 6])
    #expect(matrix.copy(ofRows: 1..<2).values == [4, 5, 6])
    #expect(matrix.copy(ofRows: [1, 0]).values == [4, 5, 6, 1, 2, 3])
    matrix[0, 2] = 9
    #expect(Array(matrix.row(0)) == [1, 2, 9])
  }

  @Test("transposing twice gives the matrix back", arguments: [(1, 70), (33, 65), (0, 4)])
  func transposition(shape: (Int, Int)) {
    let matrix = gaussian(shape.0, shape.1)
    #expect(bits(matrix.transposed().transposed()) == bits(matrix))
  }

  @Test("memory is on a 64-byte boundary", arguments: [1, 100, 20_000])
  func alignment(count: Int) {
    let matrix = Matrix(rows: 1, columns: count)
    #expect(UInt(bitPattern: matrix.pointer) % 64 == 0)
  }

  @Test("bytes are counted while the matrix lives")
  func accounting() {
    // Other tests allocate at the same time, so only a large step can be seen for certain.
    let byteCount = 1 << 30
    do {
      let matrix = DoubleMatrix(rows: 1 << 17, columns: 1 << 10)
      #expect(BufferAccounting.liveBytes >= byteCount)
      withExtendedLifetime(matrix) {}
    }
    #expect(BufferAccounting.liveBytes < byteCount)
    #expect(BufferAccounting.peakBytes >= byteCount)
  }

  @Test("the squared norm is summed in Double")
  func squaredNorm() {
    let matrix = Matrix(rows: 2, columns: 9, values: Array(repeating: 1e-30, count: 18))
    let expected = 18 * Double(Float(1e-30)) * Double(Float(1e-30))
    #expect(abs(matrix.squaredNorm / expected - 1) < 1e-14)
  }

  @Test("NaN and infinities are found and named", arguments: [Float.nan, .infinity, -.infinity])
  func finite(value: Float) throws {
    for column in 0..<11 {
      let matrix = gaussian(3, 11)
      try matrix.requireFinite("test")
      matrix[1, column] = value
      #expect(throws: LinearAlgebraError.notFinite(operation: "test", row: 1, column: column)) {
        try matrix.requireFinite("test")
      }
    }
  }
}
