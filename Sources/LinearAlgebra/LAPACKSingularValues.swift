internal import COpenBLAS

/// LAPACK sgesdd of Wᵀ as LAPACK sees it: W [m, n] row-major is overwritten.
///
/// - Parameters:
///   - w: Matrix [m, n], destroyed.
///   - right: Receives the right singular vectors as rows [min(m, n), n].
///   - left: Receives the left singular vectors as columns [m, min(m, n)].
/// - Returns: All singular values, largest first.
/// - Throws: ``LinearAlgebraError`` when a size exceeds 32 bits or the iteration fails.
func singleSVD(_ w: Matrix, right: Matrix, left: Matrix) throws(LinearAlgebraError) -> [Float] {
  useSingleThreadedBLAS()
  let operation = "singular value decomposition"
  var m = try Tiles.int32(w.columns, operation)
  var n = try Tiles.int32(w.rows, operation)
  var short = min(m, n)
  var status: Int32 = 0
  var query: Float = 0
  var workCount: Int32 = -1
  let values = AlignedMemory(Float.self, count: Int(short))
  let integers = AlignedMemory(byteCount: 8 * Int(short) * MemoryLayout<Int32>.stride)
  let s = values.numbers(Float.self)
  let integerWork = integers.start.assumingMemoryBound(to: Int32.self)
  sgesdd_(
    "S",
    &m,
    &n,
    w.pointer,
    &m,
    s,
    right.pointer,
    &m,
    left.pointer,
    &short,
    &query,
    &workCount,
    integerWork,
    &status,
    1
  )
  try lapack("gesdd", status)
  // The count comes back as a Float, which may have been rounded down.
  workCount = try Tiles.int32(Int(query.nextUp.rounded(.up)), operation)
  let work = AlignedMemory(Float.self, count: Int(workCount))
  sgesdd_(
    "S",
    &m,
    &n,
    w.pointer,
    &m,
    s,
    right.pointer,
    &m,
    left.pointer,
    &short,
    work.numbers(Float.self),
    &workCount,
    integerWork,
    &status,
    1
  )
  try lapack("gesdd", status)
  defer { withExtendedLifetime((w, right, left, values, integers, work)) {} }
  return (0..<Int(short)).map { s[$0] }
}
