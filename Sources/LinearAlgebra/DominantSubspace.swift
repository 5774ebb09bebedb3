internal import COpenBLAS

/// The subspace of one side of a matrix that holds most of its squared norm.
///
/// It is taken on the short side of W [m, n]: of the columns when m <= n, of the rows otherwise.
struct DominantSubspace {
  /// Q: orthonormal rows [r, min(m, n)], eigenvectors of the Gram matrix, largest first.
  let basis: Matrix
  /// Q W, or Q Wᵀ when `isOfRows`: [r, max(m, n)].
  let product: Matrix
  /// Whether the subspace is one of rows, that is m > n.
  let isOfRows: Bool
  /// Largest and smallest of the eigenvalues found.
  let spread: (largest: Double, smallest: Double)

  /// Which numbers the Gram matrix is formed in.
  enum Precision {
    /// Single where that is as good, otherwise double.
    case automatic
    case double
  }

  /// Finds the subspace of dimension `rank` from the Gram matrix of the short side.
  ///
  /// With `automatic` the Gram matrix is formed in single precision first, and in double when its
  /// spectrum falls steeply or ``SinglePrecisionLimit`` rejects its eigenvalues. `squaredNorm` is the
  /// one of W, in Double.
  init(
    of w: Matrix,
    rank: Int,
    squaredNorm: Double,
    precision: Precision,
    threads: Int
  ) throws(LinearAlgebraError) {
    isOfRows = w.rows > w.columns
    var found: (values: [Double], vectors: Matrix)?
    if precision == .automatic && SinglePrecisionLimit.trace.contains(squaredNorm) {
      if try largestEigenvalue(of: w) * Double(rank) < Self.steepness * squaredNorm {
        let gram = try singleGram(w, isTransposed: isOfRows, threads: threads)
        found = try singleEigenpairs(of: gram, count: rank, trace: squaredNorm)
      }
    }
    if found == nil {
      let gram = isOfRows ? try gram(w, threads: threads) : try outerGram(w, threads: threads)
      found = try eigenpairs(of: gram, count: rank, precision)
    }
    guard let found else { preconditionFailure("eigenpairs were found or an error thrown") }
    let (values, basis) = found
    spread = (values[0], values[rank - 1])
    self.basis = basis
    product =
      isOfRows
      ? try multiply(basis, transposed: w, threads: threads)
      : try multiply(basis, w, threads: threads)
  }

  /// The largest eigenvalue over the mean of those wanted beyond which single precision is not tried
  /// on the whole spectrum. It is 1 to 4 for a random matrix and 9 where the eigenvalues fall by 1e-4
  /// in equal ratios.
  private static let steepness = 5.0

  private init(
    basis: Matrix,
    product: Matrix,
    isOfRows: Bool,
    spread: (largest: Double, smallest: Double)
  ) {
    self.basis = basis
    self.product = product
    self.isOfRows = isOfRows
    self.spread = spread
  }

  /// The same subspace with its basis turned so that the rows of `product` are orthogonal, which is
  /// the Rayleigh-Ritz step: eigenvectors of (Q W)(Q W)ᵀ, formed in Double.
  func rotatedToSingularVectors(threads: Int) throws(LinearAlgebraError) -> DominantSubspace {
    let small = try outerGram(product, threads: threads)
    let eigen = try symmetricEigen(of: small, count: small.rows)
    let rotation = eigen.vectors.narrowed()
    return DominantSubspace(
      basis: try multiply(rotation, basis, threads: threads),
      product: try multiply(rotation, product, threads: threads),
      isOfRows: isOfRows,
      spread: (eigen.values[0], eigen.values[eigen.values.count - 1])
    )
  }
}

private func eigenpairs(
  of gram: DoubleMatrix,
  count: Int,
  _ precision: DominantSubspace.Precision
) throws(LinearAlgebraError) -> (values: [Double], vectors: Matrix) {
  if precision == .automatic { return try narrowEigenpairs(of: gram, count: count) }
  let vectors = DoubleMatrix(unfilledRows: count, columns: gram.rows)
  let values = try topEigenpairs(
    of: gram.pointer,
    order: gram.rows,
    count: count,
    into: vectors.pointer
  )
  withExtendedLifetime(gram) {}
  return (values, vectors.narrowed())
}

/// The largest eigenvalue of WᵀW, from below and roughly: by a few steps of power iteration.
private func largestEigenvalue(of w: Matrix) throws(LinearAlgebraError) -> Double {
  useSingleThreadedBLAS()
  let rows = try Tiles.int32(w.rows, "power iteration")
  let columns = try Tiles.int32(w.columns, "power iteration")
  var generator = SeededGenerator(seed: 0)
  let vector = Matrix.gaussian(rows: 1, columns: w.columns, generator: &generator)
  let image = Matrix(unfilledRows: 1, columns: w.rows)
  var value = 0.0
  for _ in 0..<4 {
    let norm = vector.squaredNorm.squareRoot()
    guard norm > 0 else { return 0 }
    scale(vector.pointer, by: Float(1 / norm), count: w.columns)
    for (transpose, source, target) in [
      (CblasNoTrans, vector, image), (CblasTrans, image, vector),
    ] {
      cblas_sgemv(
        CblasRowMajor,
        transpose,
        rows,
        columns,
        1,
        w.pointer,
        columns,
        source.pointer,
        1,
        0,
        target.pointer,
        1
      )
    }
    value = vector.squaredNorm.squareRoot()
  }
  withExtendedLifetime((w, vector, image)) {}
  return value
}
