@testable import LinearAlgebra
import Safetensors
import SystemPackage
import Tensors
import Worker

/// A matrix to be factored, and the least errors there are.
struct FactoringProblem {
  /// Two thin matrices, W ≈ LᵀR: L [r, m] and R [r, n].
  typealias Thin = (left: Matrix, right: Matrix)

  let w: Matrix
  let rank: Int
  /// Second moment of made-up inputs, [n, n].
  private let moment: DoubleMatrix
  /// Least squared errors, of the weight and of the output.
  private let least: (plain: Double, whitened: Double)

  init(_ path: FilePath, tensor: String, rank: Int) throws {
    let reader = try SafetensorsReader(path)
    guard let index = reader.tensors.firstIndex(where: { $0.name == tensor }) else {
      fail("\(path): no tensor '\(tensor)'")
    }
    let descriptor = reader.tensors[index]
    var bytes = [UInt8](repeating: 0, count: descriptor.byteCount)
    try bytes.withUnsafeMutableBytes {
      try reader.read(tensor: index, bytes: 0..<descriptor.byteCount, into: $0)
    }
    let w = Matrix(rows: descriptor.shape[0], columns: descriptor.shape[1])
    try bytes.withUnsafeBytes { try descriptor.type.widen($0, into: w.elements) }
    self.w = w
    self.rank = rank
    moment = try FactoringProblem.inputMoment(order: w.columns)
    let isWide = w.rows <= w.columns
    let plain = try FactoringProblem.tail(isWide ? outerGram(w) : gram(w), rank)
    let whitened = try FactoringProblem.tail(outputMoment(of: w, inputMoment: moment), rank)
    least = (plain, whitened)
  }

  /// The mean of x xᵀ over 4096 inputs whose channels differ in size and share 16 directions.
  private static func inputMoment(order: Int) throws -> DoubleMatrix {
    var generator = SeededGenerator(seed: 1)
    func normal() -> Float { Float(generator.nextGaussianPair().0) }
    let tokens = 4096
    let shared = Matrix(rows: 16, columns: order, values: (0..<16 * order).map { _ in normal() })
    let scales = (0..<order).map { _ in Float(1 + generator.nextUniform() * 3) }
    let loads = Matrix(rows: tokens, columns: 16, values: (0..<tokens * 16).map { _ in normal() })
    let x = try multiply(loads, shared)
    for row in 0..<tokens {
      for column in 0..<order { x[row, column] += scales[column] * normal() }
    }
    let moment = try gram(x)
    for i in moment.elements.indices { moment.elements[i] /= Double(tokens) }
    return moment
  }

  /// The sum of all eigenvalues but the `rank` largest.
  private static func tail(_ matrix: DoubleMatrix, _ rank: Int) throws -> Double {
    let values = try symmetricEigen(of: matrix, count: rank).values
    return matrix.trace - values.reduce(0, +)
  }

  // MARK: - Routes

  func plain() throws -> Thin {
    let factors = try LowRankFactors.plain(w, rank: rank)
    return (factors.left, factors.right)
  }

  func whitened() throws -> Thin {
    let factors = try LowRankFactors.whitened(w, inputMoment: moment, rank: rank)
    return (factors.left, factors.right)
  }

  /// LAPACK's sgesdd of W, and the first of its vectors.
  func plainByLAPACK() throws -> Thin {
    let basis = try leftVectors(of: w.copy(ofRows: 0..<w.rows))
    return (basis, try multiply(basis, w))
  }

  /// LAPACK's sgesdd of W S for G = S Sᵀ (SVD-LLM, arXiv 2403.07378).
  func whitenedByLAPACK() throws -> Thin {
    let product = w.widened()
    try Cholesky(moment).multiplyFromRight(product)
    let basis = try leftVectors(of: product.narrowed())
    return (basis, try multiply(basis, w))
  }

  /// The leading left singular vectors as rows, [rank, m].
  private func leftVectors(of matrix: Matrix) throws -> Matrix {
    let short = min(w.rows, w.columns)
    let right = Matrix(rows: short, columns: w.columns)
    let left = Matrix(rows: w.rows, columns: short)
    _ = try singleSVD(matrix, right: right, left: left)
    return left.transposed().copy(ofRows: 0..<rank)
  }

  // MARK: - Errors

  /// (error - least) / least, of the weight or of the output.
  func excess(of thin: Thin, isWhitened: Bool) throws -> Double {
    let rest = try multiply(thin.left.transposed(), thin.right)
    for i in rest.elements.indices { rest.elements[i] = w.elements[i] - rest.elements[i] }
    let squared =
      isWhitened ? try outputMoment(of: rest, inputMoment: moment).trace : rest.squaredNorm
    return (squared / (isWhitened ? least.whitened : least.plain)).squareRoot() - 1
  }
}
