internal import COpenBLAS

/// A number type for which BLAS and LAPACK have routines.
///
/// The requirements are the routines themselves, one for one, so that each algorithm of this module
/// is written once. BLAS calls are row-major; LAPACK calls are column-major, and return the status
/// the routine gave.
protocol BLASReal: BinaryFloatingPoint & Sendable {
  /// C = alpha op(A) op(B) + beta C, row-major.
  static func gemm(
    _ transposeA: Bool,
    _ transposeB: Bool,
    _ m: Int32,
    _ n: Int32,
    _ k: Int32,
    _ alpha: Self,
    _ a: UnsafePointer<Self>,
    _ lda: Int32,
    _ b: UnsafePointer<Self>,
    _ ldb: Int32,
    _ beta: Self,
    _ c: UnsafeMutablePointer<Self>,
    _ ldc: Int32
  )

  /// Lower triangle of C = A Aᵀ + beta C, or of C = Aᵀ A + beta C when transposed; row-major.
  static func syrk(
    _ transpose: Bool,
    _ n: Int32,
    _ k: Int32,
    _ a: UnsafePointer<Self>,
    _ lda: Int32,
    _ beta: Self,
    _ c: UnsafeMutablePointer<Self>,
    _ ldc: Int32
  )

  /// LAPACK sytrd on the lower triangle.
  static func sytrd(
    _ n: Int32,
    _ a: UnsafeMutablePointer<Self>,
    _ d: UnsafeMutablePointer<Self>,
    _ e: UnsafeMutablePointer<Self>,
    _ tau: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32

  /// LAPACK stedc with the eigenvectors of the tridiagonal matrix.
  static func stedc(
    _ n: Int32,
    _ d: UnsafeMutablePointer<Self>,
    _ e: UnsafeMutablePointer<Self>,
    _ z: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32,
    _ integers: UnsafeMutablePointer<Int32>,
    _ integerCount: Int32
  ) -> Int32

  /// LAPACK stemr for the eigenpairs `first...last`, counted from 1 upwards.
  static func stemr(
    _ n: Int32,
    _ d: UnsafeMutablePointer<Self>,
    _ e: UnsafeMutablePointer<Self>,
    _ first: Int32,
    _ last: Int32,
    _ w: UnsafeMutablePointer<Self>,
    _ z: UnsafeMutablePointer<Self>,
    _ support: UnsafeMutablePointer<Int32>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32,
    _ integers: UnsafeMutablePointer<Int32>,
    _ integerCount: Int32
  ) -> (status: Int32, found: Int32)

  /// LAPACK sterf.
  static func sterf(
    _ n: Int32,
    _ d: UnsafeMutablePointer<Self>,
    _ e: UnsafeMutablePointer<Self>
  ) -> Int32

  /// LAPACK ormtr from the left, not transposed, after `sytrd` on the lower triangle.
  static func ormtr(
    _ m: Int32,
    _ n: Int32,
    _ a: UnsafePointer<Self>,
    _ tau: UnsafePointer<Self>,
    _ c: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32

  /// LAPACK geqrf.
  static func geqrf(
    _ m: Int32,
    _ n: Int32,
    _ a: UnsafeMutablePointer<Self>,
    _ tau: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32

  /// LAPACK orgqr with as many columns as reflectors.
  static func orgqr(
    _ m: Int32,
    _ n: Int32,
    _ a: UnsafeMutablePointer<Self>,
    _ tau: UnsafePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32
}
