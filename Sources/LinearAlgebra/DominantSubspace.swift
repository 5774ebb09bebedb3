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
  /// With `automatic` the Gram matrix is formed in single precision first, and in double only when
  /// ``SinglePrecisionLimit`` rejects its eigenvalues. `squaredNorm` is the one of W, in Double.
  init(
    of w: Matrix,
    rank: Int,
    squaredNorm: Double,
    precision: Precision,
    threads: Int
  ) throws(LinearAlgebraError) {
    isOfRows = w.rows > w.columns
    let order = min(w.rows, w.columns)
    let basis = Matrix(rows: rank, columns: order)
    var found: [Double]?
    if precision == .automatic && SinglePrecisionLimit.trace.contains(squaredNorm) {
      found = try singleEigenpairs(
        of: try singleGram(w, isTransposed: isOfRows, threads: threads),
        count: rank,
        trace: squaredNorm,
        into: basis
      )
    }
    if let found {
      spread = (found[0], found[rank - 1])
    } else {
      let gram = isOfRows ? try gram(w, threads: threads) : try outerGram(w, threads: threads)
      let vectors = DoubleMatrix(rows: rank, columns: order)
      let values = try LinearAlgebra.topEigenpairs(
        of: gram.pointer,
        order: order,
        count: rank,
        into: vectors.pointer
      )
      withExtendedLifetime(gram) {}
      narrow(vectors.pointer, into: basis.pointer, count: basis.elements.count)
      spread = (values[0], values[rank - 1])
    }
    self.basis = basis
    product =
      isOfRows
      ? try multiply(basis, transposed: w, threads: threads)
      : try multiply(basis, w, threads: threads)
  }

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
