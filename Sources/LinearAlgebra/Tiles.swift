internal import Parallelism

/// How matrix products are cut into pieces that threads may share.
///
/// The cuts depend on the shapes alone. Each piece is one BLAS call on one thread, so a result has
/// the same bits however many threads worked on it.
enum Tiles {
  /// Rows of the left operand in one call.
  static let rows = 512
  /// Most columns of the output in one call.
  static let columns = 768
  /// Side of the square pieces of a symmetric product.
  static let symmetricSide = 512
  /// Terms of a sum that are converted to Double at a time.
  static let depth = 512

  /// The pieces of `0..<count`, each `size` long except perhaps the last.
  static func ranges(_ count: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// Pieces of like size for the columns of an output, an even number of them where there is more than
  /// one, so that two or four threads finish together.
  static func columnRanges(_ count: Int) -> [Range<Int>] {
    guard count > columns / 2 else { return ranges(count, size: max(count, 1)) }
    let pieces = 2 * ((count + 2 * columns - 1) / (2 * columns))
    return ranges(count, size: ((count + pieces - 1) / pieces + 15) / 16 * 16)
  }

  /// `size` as BLAS takes it.
  ///
  /// - Throws: ``LinearAlgebraError/tooLarge(operation:size:)`` beyond 32 bits.
  static func int32(_ size: Int, _ operation: String) throws(LinearAlgebraError) -> Int32 {
    guard let narrow = Int32(exactly: size) else {
      throw .tooLarge(operation: operation, size: size)
    }
    return narrow
  }
}

/// One operand of a tiled product: memory, which `owner` keeps alive, the distance between rows,
/// and whether it is read transposed.
struct Operand<Real: BLASReal>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Real>
  let stride: Int
  var isTransposed = false
  let owner: AnyObject?
}

/// C = alpha op(A) op(B) + beta C in fixed tiles, with op(A) [rows, depth], op(B) [depth, columns].
///
/// - Throws: ``LinearAlgebraError/tooLarge(operation:size:)`` when a size exceeds 32 bits.
func tiledProduct<Real: BLASReal>(
  rows: Int,
  columns: Int,
  depth: Int,
  _ a: Operand<Real>,
  _ b: Operand<Real>,
  into c: Operand<Real>,
  alpha: Real = 1,
  beta: Real = 0,
  threads: Int
) throws(LinearAlgebraError) {
  useSingleThreadedBLAS()
  for size in [rows, columns] { _ = try Tiles.int32(size, "matrix product") }
  let depth32 = try Tiles.int32(depth, "matrix product")
  let strideA = try Tiles.int32(max(a.stride, 1), "matrix product")
  let strideB = try Tiles.int32(max(b.stride, 1), "matrix product")
  let strideC = try Tiles.int32(max(c.stride, 1), "matrix product")
  let rowTiles = Tiles.ranges(rows, size: Tiles.rows)
  let columnTiles = Tiles.columnRanges(columns)
  // Neighbouring indices share their columns of B, which is the operand worth keeping in the cache.
  parallelForEach(count: rowTiles.count * columnTiles.count, threads: threads) { index in
    let rowTile = rowTiles[index % rowTiles.count]
    let columnTile = columnTiles[index / rowTiles.count]
    Real.gemm(
      a.isTransposed,
      b.isTransposed,
      Int32(rowTile.count),
      Int32(columnTile.count),
      depth32,
      alpha,
      a.pointer + rowTile.lowerBound * (a.isTransposed ? 1 : a.stride),
      strideA,
      b.pointer + columnTile.lowerBound * (b.isTransposed ? b.stride : 1),
      strideB,
      beta,
      c.pointer + rowTile.lowerBound * c.stride + columnTile.lowerBound,
      strideC
    )
  }
  withExtendedLifetime((a.owner, b.owner, c.owner)) {}
}

/// Adds op(A) op(A)ᵀ to the lower triangle of C [order, order] in fixed tiles, with op(A)
/// [order, depth]; `beta` scales what C held.
///
/// - Throws: ``LinearAlgebraError/tooLarge(operation:size:)`` when a size exceeds 32 bits.
func tiledSymmetricProduct<Real: BLASReal>(
  order: Int,
  depth: Int,
  _ a: Operand<Real>,
  into c: UnsafeMutablePointer<Real>,
  beta: Real,
  threads: Int
) throws(LinearAlgebraError) {
  try tiledLowerProduct(
    order: order,
    depth: depth,
    a,
    a,
    into: c,
    beta: beta,
    isSymmetric: true,
    threads: threads
  )
}

/// The lower triangle of C = L Rᵀ + beta C for operands whose product is known to be symmetric,
/// with op(L) and op(R) [order, depth]; L and R are the same operand when `isSymmetric`.
///
/// - Throws: ``LinearAlgebraError/tooLarge(operation:size:)`` when a size exceeds 32 bits.
func tiledLowerProduct<Real: BLASReal>(
  order: Int,
  depth: Int,
  _ left: Operand<Real>,
  _ right: Operand<Real>,
  into c: UnsafeMutablePointer<Real>,
  beta: Real,
  isSymmetric: Bool,
  threads: Int
) throws(LinearAlgebraError) {
  useSingleThreadedBLAS()
  let order32 = try Tiles.int32(order, "symmetric product")
  let depth32 = try Tiles.int32(depth, "symmetric product")
  let leftStride = try Tiles.int32(max(left.stride, 1), "symmetric product")
  let rightStride = try Tiles.int32(max(right.stride, 1), "symmetric product")
  let tiles = Tiles.ranges(order, size: Tiles.symmetricSide)
  let pairs = tiles.indices.flatMap { row in (0...row).map { (row, $0) } }
  nonisolated(unsafe) let target = c
  parallelForEach(count: pairs.count, threads: threads) { index in
    let (row, column) = (tiles[pairs[index].0], tiles[pairs[index].1])
    let a = left.pointer + row.lowerBound * (left.isTransposed ? 1 : left.stride)
    let b = right.pointer + column.lowerBound * (right.isTransposed ? 1 : right.stride)
    let corner = target + row.lowerBound * order + column.lowerBound
    if isSymmetric && row == column {
      Real.syrk(
        left.isTransposed,
        Int32(row.count),
        depth32,
        a,
        leftStride,
        beta,
        corner,
        order32
      )
    } else {
      Real.gemm(
        left.isTransposed,
        !right.isTransposed,
        Int32(row.count),
        Int32(column.count),
        depth32,
        1,
        a,
        leftStride,
        b,
        rightStride,
        beta,
        corner,
        order32
      )
    }
  }
  withExtendedLifetime((left.owner, right.owner)) {}
}

/// Copies the lower triangle of a square row-major matrix over its upper one.
func mirrorLowerTriangle<Real: BLASReal>(_ matrix: UnsafeMutablePointer<Real>, order: Int) {
  let side = 64
  for top in stride(from: 0, to: order, by: side) {
    for left in stride(from: 0, through: top, by: side) {
      for row in top..<min(top + side, order) {
        for column in left..<min(left + side, row) {
          matrix[column * order + row] = matrix[row * order + column]
        }
      }
    }
  }
}
