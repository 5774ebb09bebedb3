internal import Checkpoint
internal import Inference
package import LinearAlgebra
package import Tensors

/// Replaces one expert's matrices by factors: MoE-I²'s intra-expert low-rank decomposition (arXiv
/// 2411.01016, Intra-Expert Decomposition), plain or whitened by the inputs the expert sees.
///
/// For W [m, n] with inputs of second moment G the best W' of rank r is Q Qᵀ W, Q the top
/// eigenvectors of W G Wᵀ (method of SVD-LLM, arXiv 2403.07378, in the form without an inverse).
/// The short side is used: with m <= n that matrix comes from the outputs the expert computed
/// anyway, else G itself does.
package struct ExpertFactoring: Sendable {
  /// What came of one matrix.
  package struct Result: Sendable {
    /// The bytes of Uᵀ [r, m] as stored.
    package var left: [UInt8]
    /// The bytes of V [r, n] as stored.
    package var right: [UInt8]
    /// Element type of both.
    package var type: ElementType
    /// Relative error of the weight, ‖W − W'‖ / ‖W‖ (Frobenius), of the factors as stored.
    package var weightError: Double
    /// Relative error of the output, ‖(W − W') X‖ / ‖W X‖ over the tokens X sent to the expert; nil
    /// if there are none.
    package var outputError: Double?
  }

  private let method: MethodOptions.Factoring
  /// Mean of x xᵀ over all tokens of the layer; only used by the whitened method.
  private let layerMoment: LayerMoment?

  /// A second moment [H, H], in the form that gate and up need.
  private enum LayerMoment {
    /// The moment itself, where they have more rows than columns.
    case whole(Matrix)
    /// L of L Lᵀ otherwise.
    case root(MomentRoot)
  }

  /// Experts with fewer tokens than this are not trusted to have a moment of their own.
  static let fewTokens = 32
  /// Weight of the layer's moment beside an expert's own.
  static let shrinkage = 0.01
  /// Added to the diagonal of the layer's moment, in parts of its trace, so that it has a Cholesky
  /// factor where there are fewer tokens than channels; far below what its rounding to single
  /// precision changes.
  private static let diagonal = 1e-12

  /// Factoring in one layer, whose moment the whitened method needs.
  ///
  /// - Parameters:
  ///   - method: How factors are found.
  ///   - layerMoment: Mean of x xᵀ over all tokens of the layer, [H, H]; changed by less than its
  ///     rounding.
  ///   - expertWidth: Rows of gate and up, I.
  /// - Throws: `LinearAlgebraError` if the moment is not finite or LAPACK fails.
  package init(
    _ method: MethodOptions.Factoring,
    layerMoment: DoubleMatrix?,
    expertWidth: Int
  ) throws {
    self.method = method
    self.layerMoment = try layerMoment.map { moment in
      if expertWidth > moment.rows { return .whole(moment.narrowed()) }
      let shift = ExpertFactoring.diagonal * moment.trace
      for i in 0..<moment.rows { moment[i, i] += shift }
      return .root(try MomentRoot(moment))
    }
  }

  /// Factors one matrix.
  ///
  /// - Parameters:
  ///   - matrix: 0 for gate, 1 for up, 2 for `down`, whose shrinkage is a multiple of the identity.
  ///   - w: The matrix, W [m, n].
  ///   - tokens: The tokens sent to the expert.
  ///   - rank: r, in 1 … min(m, n).
  ///   - typeName: Type the factors are stored in, one of `factorTypes`; BF16 where sides do not
  ///     fill its blocks.
  /// - Returns: The factors as stored, with their errors.
  /// - Throws: `LinearAlgebraError` if the rank is out of range, a value is not finite or LAPACK
  ///   fails, `TensorError` if the type cannot be computed with.
  package func factor(
    _ matrix: Int,
    _ w: Matrix,
    _ tokens: ExpertTokens,
    rank: Int,
    typeName: String
  ) throws -> Result {
    let factors: LowRankFactors
    switch method {
    case .svd: factors = try .plain(w, rank: rank)
    case .whitened:
      if matrix == 2 {
        factors =
          tokens.count < ExpertFactoring.fewTokens
          ? try .plain(w, rank: rank) : try whitenedDown(w, tokens, rank)
      } else {
        factors = try whitenedByLayer(w, tokens, matrix, rank)
      }
    }
    return try store(factors, of: w, tokens, matrix, typeName: typeName)
  }

  // MARK: - Moments

  /// Gate and up: the expert's mean of x xᵀ with a hundredth of the layer's, which alone stands for
  /// an expert that hardly any token saw.
  private func whitenedByLayer(_ w: Matrix, _ tokens: ExpertTokens, _ matrix: Int, _ rank: Int)
    throws -> LowRankFactors
  {
    let trusts = tokens.count >= ExpertFactoring.fewTokens
    let weight = trusts ? ExpertFactoring.shrinkage : 1
    switch layerMoment {
    case nil: preconditionFailure("the whitened method needs the layer's moment")
    case .root(let root):
      let moment = try singleOuterGram(try root.multiplyFromRight(w)).widened()
      scale(moment, by: weight)
      if trusts {
        add(try sum(tokens, matrix, \.outputs), times: 1 / Double(tokens.count), to: moment)
      }
      return LowRankFactors(try WhitenedFactorization(w, outputMoment: moment, rank: rank))
    case .whole(let whole):
      let moment = whole.widened()
      scale(moment, by: weight)
      if trusts {
        add(try sum(tokens, matrix, \.inputs), times: 1 / Double(tokens.count), to: moment)
      }
      return try .whitened(w, inputMoment: moment, rank: rank)
    }
  }

  /// Down: the mean of a aᵀ with a hundredth of its mean eigenvalue on the diagonal.
  private func whitenedDown(_ w: Matrix, _ tokens: ExpertTokens, _ rank: Int) throws
    -> LowRankFactors
  {
    let count = Double(tokens.count)
    if w.rows <= w.columns {
      let norm = try (0..<tokens.pieceCount).reduce(0) {
        $0 + (try tokens.piece($1, of: 2).inputs.squaredNorm)
      }
      let diagonal = norm / count / Double(w.columns) * ExpertFactoring.shrinkage
      let moment = try outerGram(w)
      scale(moment, by: diagonal)
      add(try sum(tokens, 2, \.outputs), times: 1 / count, to: moment)
      return LowRankFactors(try WhitenedFactorization(w, outputMoment: moment, rank: rank))
    }
    let moment = try sum(tokens, 2, \.inputs)
    scale(moment, by: 1 / count)
    let diagonal = moment.trace / Double(w.columns) * ExpertFactoring.shrinkage
    for i in 0..<moment.rows { moment[i, i] += diagonal }
    return try .whitened(w, inputMoment: moment, rank: rank)
  }

  /// The sum of x xᵀ over all pieces, x the rows of one side of a matrix.
  private func sum(
    _ tokens: ExpertTokens,
    _ matrix: Int,
    _ side: KeyPath<ExpertTokens.Piece, Matrix>
  )
    throws -> DoubleMatrix
  {
    var sum = try gram(try tokens.piece(0, of: matrix)[keyPath: side])
    for number in 1..<max(1, tokens.pieceCount) {
      let rows = try tokens.piece(number, of: matrix)[keyPath: side]
      sum = try gram(rows.view, addingTo: sum, threads: 1)
    }
    return sum
  }

  // MARK: - Storing

  private func store(
    _ factors: LowRankFactors,
    of w: Matrix,
    _ tokens: ExpertTokens,
    _ matrix: Int,
    typeName: String
  ) throws -> Result {
    let type = factorType(typeName, rows: w.rows, columns: w.columns)
    let (left, storedLeft) = try narrow(factors.left, to: type)
    let (right, storedRight) = try narrow(factors.right, to: type)
    let stored = LowRankFactors(storedLeft: storedLeft, right: storedRight)
    return Result(
      left: left,
      right: right,
      type: type,
      weightError: try stored.relativeError(to: w),
      outputError: try outputError(of: stored, tokens, matrix)
    )
  }

  private func outputError(of stored: LowRankFactors, _ tokens: ExpertTokens, _ matrix: Int) throws
    -> Double?
  {
    let operation = LinearOperator.factors(stored)
    var (distance, norm) = (0.0, 0.0)
    for number in 0..<tokens.pieceCount where tokens.count > 0 {
      let piece = try tokens.piece(number, of: matrix)
      distance += squaredDistance(try operation(piece.inputs, threads: 1), piece.outputs)
      norm += piece.outputs.squaredNorm
    }
    return norm > 0 ? (distance / norm).squareRoot() : nil
  }

  /// The bytes of `matrix` in `type`, and the values they stand for.
  private func narrow(_ matrix: Matrix, to type: ElementType) throws -> ([UInt8], Matrix) {
    let count = try type.byteCount(shape: [matrix.rows, matrix.columns])
    var bytes = [UInt8](repeating: 0, count: count)
    let values = Matrix(unfilledRows: matrix.rows, columns: matrix.columns)
    try bytes.withUnsafeMutableBytes { buffer in
      try type.narrow(UnsafeBufferPointer(matrix.elements), into: buffer)
      try type.widen(UnsafeRawBufferPointer(buffer), into: values.elements)
    }
    return (bytes, values)
  }
}

private func scale(_ matrix: DoubleMatrix, by factor: Double) {
  for i in 0..<matrix.elements.count { matrix.elements[i] *= factor }
}

private func add(_ source: DoubleMatrix, times factor: Double, to target: DoubleMatrix) {
  for i in 0..<source.elements.count { target.elements[i] += factor * source.elements[i] }
}
