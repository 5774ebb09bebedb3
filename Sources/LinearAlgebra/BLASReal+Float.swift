internal import COpenBLAS

extension Float: BLASReal {
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
  ) {
    cblas_sgemm(
      CblasRowMajor,
      transposeA ? CblasTrans : CblasNoTrans,
      transposeB ? CblasTrans : CblasNoTrans,
      m,
      n,
      k,
      alpha,
      a,
      lda,
      b,
      ldb,
      beta,
      c,
      ldc
    )
  }

  static func syrk(
    _ transpose: Bool,
    _ n: Int32,
    _ k: Int32,
    _ a: UnsafePointer<Self>,
    _ lda: Int32,
    _ beta: Self,
    _ c: UnsafeMutablePointer<Self>,
    _ ldc: Int32
  ) {
    cblas_ssyrk(
      CblasRowMajor,
      CblasLower,
      transpose ? CblasTrans : CblasNoTrans,
      n,
      k,
      1,
      a,
      lda,
      beta,
      c,
      ldc
    )
  }

  static func sytrd(
    _ n: Int32,
    _ a: UnsafeMutablePointer<Self>,
    _ d: UnsafeMutablePointer<Self>,
    _ e: UnsafeMutablePointer<Self>,
    _ tau: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32 {
    var (order, count, status) = (n, workCount, Int32(0))
    ssytrd_("L", &order, a, &order, d, e, tau, work, &count, &status, 1)
    return status
  }

  static func stedc(
    _ n: Int32,
    _ d: UnsafeMutablePointer<Self>,
    _ e: UnsafeMutablePointer<Self>,
    _ z: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32,
    _ integers: UnsafeMutablePointer<Int32>,
    _ integerCount: Int32
  ) -> Int32 {
    var (order, count, count2, status) = (n, workCount, integerCount, Int32(0))
    sstedc_("I", &order, d, e, z, &order, work, &count, integers, &count2, &status, 1)
    return status
  }

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
  ) -> (status: Int32, found: Int32) {
    var (order, low, high, unused) = (n, first, last, Self(0))
    var (columns, found, isAccurate, status) = (last - first + 1, Int32(0), Int32(1), Int32(0))
    var (count, count2) = (workCount, integerCount)
    sstemr_(
      "V",
      "I",
      &order,
      d,
      e,
      &unused,
      &unused,
      &low,
      &high,
      &found,
      w,
      z,
      &order,
      &columns,
      support,
      &isAccurate,
      work,
      &count,
      integers,
      &count2,
      &status,
      1,
      1
    )
    return (status, found)
  }

  static func sterf(
    _ n: Int32,
    _ d: UnsafeMutablePointer<Self>,
    _ e: UnsafeMutablePointer<Self>
  ) -> Int32 {
    var (order, status) = (n, Int32(0))
    ssterf_(&order, d, e, &status)
    return status
  }

  static func ormtr(
    _ m: Int32,
    _ n: Int32,
    _ a: UnsafePointer<Self>,
    _ tau: UnsafePointer<Self>,
    _ c: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32 {
    var (rows, columns, count, status) = (m, n, workCount, Int32(0))
    sormtr_(
      "L",
      "L",
      "N",
      &rows,
      &columns,
      a,
      &rows,
      tau,
      c,
      &rows,
      work,
      &count,
      &status,
      1,
      1,
      1
    )
    return status
  }

  static func geqrf(
    _ m: Int32,
    _ n: Int32,
    _ a: UnsafeMutablePointer<Self>,
    _ tau: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32 {
    var (rows, columns, count, status) = (m, n, workCount, Int32(0))
    sgeqrf_(&rows, &columns, a, &rows, tau, work, &count, &status)
    return status
  }

  static func orgqr(
    _ m: Int32,
    _ n: Int32,
    _ a: UnsafeMutablePointer<Self>,
    _ tau: UnsafePointer<Self>,
    _ work: UnsafeMutablePointer<Self>,
    _ workCount: Int32
  ) -> Int32 {
    var (rows, columns, count, status) = (m, n, workCount, Int32(0))
    sorgqr_(&rows, &columns, &columns, a, &rows, tau, work, &count, &status)
    return status
  }
}
