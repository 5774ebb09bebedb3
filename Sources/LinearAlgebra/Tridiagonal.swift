/// A symmetric matrix as T in A = Q T Qᵀ, with Q left as reflectors where A was.
struct Tridiagonal<Real: BLASReal> {
  let order: Int32
  /// Diagonal.
  let d: UnsafeMutablePointer<Real>
  /// Off-diagonal, with one more element of work space.
  let e: UnsafeMutablePointer<Real>

  private let tau: UnsafeMutablePointer<Real>
  private let memory: AlignedMemory

  /// LAPACK's block size times the order is the work space its blocked routines ask for.
  private static var blockColumns: Int { 64 }

  init(reducing matrix: UnsafeMutablePointer<Real>, order n: Int) throws(LinearAlgebraError) {
    useSingleThreadedBLAS()
    order = try Tiles.int32(n, "symmetric eigenproblem")
    memory = AlignedMemory(Real.self, count: 3 * n)
    d = memory.numbers(Real.self)
    e = d + n
    tau = e + n
    let workCount = try Tiles.int32(n * Self.blockColumns, "symmetric eigenproblem")
    let work = AlignedMemory(Real.self, count: Int(workCount), isZeroed: false)
    try lapack(
      "sytrd",
      Real.sytrd(order, matrix, d, e, tau, work.numbers(Real.self), workCount)
    )
    withExtendedLifetime(work) {}
  }

  /// All eigenvalues, largest first.
  func eigenvalues() throws(LinearAlgebraError) -> [Real] {
    let n = Int(order)
    let copies = AlignedMemory(Real.self, count: 2 * n)
    let copyD = copies.numbers(Real.self)
    copyD.update(from: d, count: 2 * n)
    try lapack("sterf", Real.sterf(order, copyD, copyD + n))
    defer { withExtendedLifetime(copies) {} }
    return (0..<n).reversed().map { copyD[$0] }
  }

  /// The `count` largest eigenpairs, largest first, vectors as rows; may overwrite T.
  func topEigenpairs(
    _ count: Int,
    into vectors: UnsafeMutablePointer<Real>
  ) throws(LinearAlgebraError) -> [Real] {
    // stemr costs count * n and stedc about n² per level; measured they meet near a fifth of n.
    if count * 5 <= Int(order), let values = try robustPairs(count, into: vectors) {
      return values
    }
    return try divideAndConquer(count, into: vectors)
  }

  /// stemr on copies of d and e; nil when it fails, which leaves T as it was.
  private func robustPairs(
    _ count: Int,
    into vectors: UnsafeMutablePointer<Real>
  ) throws(LinearAlgebraError) -> [Real]? {
    let n = Int(order)
    let workCount = try Tiles.int32(18 * n, "symmetric eigenproblem")
    let integerCount = try Tiles.int32(10 * n, "symmetric eigenproblem")
    let numbers = AlignedMemory(Real.self, count: 3 * n + 18 * n)
    let integers = AlignedMemory(byteCount: (2 * n + 10 * n) * MemoryLayout<Int32>.stride)
    let (copyD, copyE) = (numbers.numbers(Real.self), numbers.numbers(Real.self) + n)
    let (values, work) = (copyE + n, copyE + 2 * n)
    let support = integers.start.assumingMemoryBound(to: Int32.self)
    copyD.update(from: d, count: n)
    copyE.update(from: e, count: n)
    let (status, found) = Real.stemr(
      order,
      copyD,
      copyE,
      order - Int32(count) + 1,
      order,
      values,
      vectors,
      support,
      work,
      workCount,
      support + 2 * n,
      integerCount
    )
    defer { withExtendedLifetime((numbers, integers)) {} }
    guard status == 0 && found == count else { return nil }
    reverseRows(vectors, rows: count, columns: n)
    return (0..<count).reversed().map { values[$0] }
  }

  /// stedc, then the last `count` pairs.
  private func divideAndConquer(
    _ count: Int,
    into vectors: UnsafeMutablePointer<Real>
  ) throws(LinearAlgebraError) -> [Real] {
    let n = Int(order)
    let workCount = try Tiles.int32(1 + 4 * n + n * n, "symmetric eigenproblem")
    let integerCount = try Tiles.int32(3 + 5 * n, "symmetric eigenproblem")
    let all = AlignedMemory(Real.self, count: n * n, isZeroed: false)
    let work = AlignedMemory(Real.self, count: Int(workCount), isZeroed: false)
    let integers = AlignedMemory(byteCount: Int(integerCount) * MemoryLayout<Int32>.stride)
    let z = all.numbers(Real.self)
    try lapack(
      "stedc",
      Real.stedc(
        order,
        d,
        e,
        z,
        work.numbers(Real.self),
        workCount,
        integers.start.assumingMemoryBound(to: Int32.self),
        integerCount
      )
    )
    for row in 0..<count {
      (vectors + row * n).update(from: z + (n - 1 - row) * n, count: n)
    }
    withExtendedLifetime((all, work, integers)) {}
    return (0..<count).map { d[n - 1 - $0] }
  }

  /// Turns eigenvectors of T into eigenvectors of A.
  func carryBack(
    _ vectors: UnsafeMutablePointer<Real>,
    count: Int,
    reflectors: UnsafeMutablePointer<Real>
  ) throws(LinearAlgebraError) {
    let workCount = try Tiles.int32(
      count * Self.blockColumns + 65 * 64,
      "symmetric eigenproblem"
    )
    let work = AlignedMemory(Real.self, count: Int(workCount), isZeroed: false)
    try lapack(
      "ormtr",
      Real.ormtr(
        order,
        Int32(count),
        reflectors,
        tau,
        vectors,
        work.numbers(Real.self),
        workCount
      )
    )
    withExtendedLifetime(work) {}
  }
}

private func reverseRows<Real: BLASReal>(
  _ matrix: UnsafeMutablePointer<Real>,
  rows: Int,
  columns: Int
) {
  for row in 0..<rows / 2 {
    let (upper, lower) = (matrix + row * columns, matrix + (rows - 1 - row) * columns)
    for column in 0..<columns {
      let held = upper[column]
      upper[column] = lower[column]
      lower[column] = held
    }
  }
}
