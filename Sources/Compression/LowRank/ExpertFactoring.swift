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
  ///   - w: W [m, n].
  ///   - inputs: Its inputs on the tokens sent to the expert, [tokens, n].
  ///   - outputs: W x of them, [tokens, m].
  ///   - isDown: Whether W is `down`, whose shrinkage is a multiple of the identity.
  ///   - rank: r, in 1 … min(m, n).
  ///   - typeName: Type the factors are stored in, one of `factorTypes`; BF16 where sides do not
  ///     fill its blocks.
  /// - Returns: The factors as stored, with their errors.
  /// - Throws: `LinearAlgebraError` if the rank is out of range, a value is not finite or LAPACK
  ///   fails, `TensorError` if the type cannot be computed with.
  package func factor(
    _ w: Matrix,
    inputs: Matrix,
    outputs: Matrix,
    isDown: Bool,
    rank: Int,
    typeName: String
  ) throws -> Result {
    let factors: LowRankFactors
    switch method {
    case .svd: factors = try .plain(w, rank: rank)
    case .whitened:
      if isDown {
        factors =
          inputs.rows < ExpertFactoring.fewTokens
          ? try .plain(w, rank: rank) : try whitenedDown(w, inputs, outputs, rank)
      } else {
        factors = try whitenedByLayer(w, inputs, outputs, rank)
      }
    }
    return try store(factors, of: w, inputs: inputs, outputs: outputs, typeName: typeName)
  }

  // MARK: - Moments

  /// Gate and up: the expert's mean of x xᵀ with a hundredth of the layer's, which alone stands for
  /// an expert that hardly any token saw.
  private func whitenedByLayer(_ w: Matrix, _ inputs: Matrix, _ outputs: Matrix, _ rank: Int) throws
    -> LowRankFactors
  {
    let trusts = inputs.rows >= ExpertFactoring.fewTokens
    let weight = trusts ? ExpertFactoring.shrinkage : 1
    switch layerMoment {
    case nil: preconditionFailure("the whitened method needs the layer's moment")
    case .root(let root):
      let moment = try singleOuterGram(try root.multiplyFromRight(w)).widened()
      scale(moment, by: weight)
      if trusts { add(try gram(outputs), times: 1 / Double(inputs.rows), to: moment) }
      return LowRankFactors(try WhitenedFactorization(w, outputMoment: moment, rank: rank))
    case .whole(let whole):
      let moment = whole.widened()
      scale(moment, by: weight)
      if trusts { add(try gram(inputs), times: 1 / Double(inputs.rows), to: moment) }
      return try .whitened(w, inputMoment: moment, rank: rank)
    }
  }

  /// Down: the mean of a aᵀ with a hundredth of its mean eigenvalue on the diagonal.
  private func whitenedDown(_ w: Matrix, _ inputs: Matrix, _ outputs: Matrix, _ rank: Int) throws
    -> LowRankFactors
  {
    let tokens = Double(inputs.rows)
    if w.rows <= w.columns {
      let diagonal = inputs.squaredNorm / tokens / Double(w.columns) * ExpertFactoring.shrinkage
      let moment = try outerGram(w)
      scale(moment, by: diagonal)
      add(try gram(outputs), times: 1 / tokens, to: moment)
      return LowRankFactors(try WhitenedFactorization(w, outputMoment: moment, rank: rank))
    }
    let moment = try gram(inputs)
    scale(moment, by: 1 / tokens)
    let diagonal = moment.trace / Double(w.columns) * ExpertFactoring.shrinkage
    for i in 0..<moment.rows { moment[i, i] += diagonal }
    return try .whitened(w, inputMoment: moment, rank: rank)
  }

  // MARK: - Storing

  private func store(
    _ factors: LowRankFactors,
    of w: Matrix,
    inputs: Matrix,
    outputs: Matrix,
    typeName: String
  ) throws -> Result {
    let type = factorType(typeName, rows: w.rows, columns: w.columns)
    let (left, storedLeft) = try narrow(factors.left, to: type)
    let (right, storedRight) = try narrow(factors.right, to: type)
    let stored = LowRankFactors(storedLeft: storedLeft, right: storedRight)
    let operation = LinearOperator.factors(stored)
    var outputError: Double?
    let norm = outputs.squaredNorm
    if outputs.rows > 0, norm > 0 {
      let approximation = try operation(inputs, threads: 1)
      outputError = (squaredDistance(approximation, outputs) / norm).squareRoot()
    }
    return Result(
      left: left,
      right: right,
      type: type,
      weightError: try stored.relativeError(to: w),
      outputError: outputError
    )
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
