import Testing

@testable import LinearAlgebra

@Suite("Memory of matrices")
struct MappingPoolTests {
  @Test("a matrix of zeros is one in memory that was used before")
  func reusedMemoryIsCleared() {
    for _ in 0..<8 {
      let matrix = Matrix(rows: 512, columns: 1024)
      #expect(matrix.elements.allSatisfy { $0 == 0 })
      matrix.elements.update(repeating: 1)
    }
  }

  @Test("what is kept for reuse never raises the peak")
  func peakHolds() {
    for size in [3, 1, 2, 5, 1, 4] {
      let matrix = Matrix(unfilledRows: size, columns: 1 << 20)
      #expect(matrix.elements.count == size << 20)
      let totals = MappingPool.totals
      #expect(totals.kept + totals.used <= totals.peak)
    }
    let totals = MappingPool.totals
    #expect(totals.kept + totals.used <= totals.peak)
  }

  @Test("a mapping has room for what was asked, and an eighth more at most")
  func sizeClasses() {
    for bytes in [1 << 20, (1 << 20) + 1, 11_534_336, 15_859_712, (1 << 30) - 1] {
      let size = MappingPool.mappingSize(bytes)
      #expect(size >= bytes && size <= bytes + bytes / 8)
      #expect(MappingPool.mappingSize(size) == size)
    }
  }
}
