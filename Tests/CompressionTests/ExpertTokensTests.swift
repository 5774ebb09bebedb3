import Compression
import LinearAlgebra
import Tensors
import Testing

@Suite("Tokens of an expert")
struct ExpertTokensTests {
  private static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    let matrix = Matrix(rows: rows, columns: columns)
    for i in 0..<matrix.elements.count {
      matrix.elements[i] = Float(Double(generator.next() >> 11) / Double(1 << 53) - 0.5)
    }
    return matrix
  }

  /// The same tokens in pieces of `size`.
  private func tokens(_ x: Matrix, _ weights: [Matrix], size: Int) throws -> ExpertTokens {
    try ExpertTokens(
      weights: weights,
      count: x.rows,
      pieceCount: (x.rows + size - 1) / size
    ) { x.copy(ofRows: $0 * size..<min(($0 + 1) * size, x.rows)) }
  }

  @Test(
    "factors do not depend on the pieces beyond rounding",
    arguments: [MethodOptions.Factoring.svd, .whitened],
    [(24, 40), (40, 24)]
  )
  func pieces(method: MethodOptions.Factoring, shape: (width: Int, hidden: Int)) throws {
    let (width, hidden) = shape
    let x = Self.random(200, hidden, seed: 1)
    let weights = [
      Self.random(width, hidden, seed: 2), Self.random(width, hidden, seed: 3),
      Self.random(hidden, width, seed: 4),
    ]
    let moment = try gram(x)
    for i in 0..<moment.elements.count { moment.elements[i] /= Double(x.rows) }
    let factoring = try ExpertFactoring(method, layerMoment: moment, expertWidth: width)
    let whole = try tokens(x, weights, size: 200)
    let cut = try tokens(x, weights, size: 64)
    #expect(whole.pieceCount == 1)
    #expect(cut.pieceCount == 4)
    for matrix in 0..<3 {
      let a = try factoring.factor(matrix, weights[matrix], whole, rank: 5, typeName: "F32")
      let b = try factoring.factor(matrix, weights[matrix], cut, rank: 5, typeName: "F32")
      #expect(abs(a.weightError - b.weightError) < 1e-5)
      let (first, second) = (try #require(a.outputError), try #require(b.outputError))
      #expect(abs(first - second) < 1e-5)
      #expect(first > 0.05 && first < 1)
    }
  }

  @Test("factors are stored in the type asked for where their sides fill its blocks, else in BF16")
  func blockTypes() throws {
    for (width, hidden) in [(256, 512), (96, 64), (40, 24)] {
      let x = Self.random(64, hidden, seed: 1)
      let weights = [
        Self.random(width, hidden, seed: 2), Self.random(width, hidden, seed: 3),
        Self.random(hidden, width, seed: 4),
      ]
      let factoring = try ExpertFactoring(.svd, layerMoment: nil, expertWidth: width)
      let tokens = try tokens(x, weights, size: 64)
      let exact = try factoring.factor(0, weights[0], tokens, rank: 8, typeName: "F32").weightError
      for name in factorTypes {
        let type = ElementType(name: name)
        let fits = width % type.blockElements == 0 && hidden % type.blockElements == 0
        let result = try factoring.factor(0, weights[0], tokens, rank: 8, typeName: name)
        #expect(result.type == (fits ? type : .bf16), "\(name) at \(width)x\(hidden)")
        #expect(try result.left.count == result.type.byteCount(shape: [8, width]))
        #expect(try result.right.count == result.type.byteCount(shape: [8, hidden]))
        // Of random numbers 8 directions hold next to nothing; coarse factors lose some of that.
        #expect(result.weightError < exact + 0.1, "\(name) at \(width)x\(hidden)")
      }
    }
  }
}
