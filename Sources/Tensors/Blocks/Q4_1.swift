internal import CKernels

/// Blocks of 32 values as half-precision scale d and minimum m and 32 levels of 4 bits;
/// x = d q + m.
///
/// The low nibble of byte i is value i, the high one value i + 16.
enum Q4_1: SingleBlockType, EncodableBlockType {
  static let elements = 32
  static let bytes = 20
  static let scales: [ScaleField] = [.half(0), .half(2)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (block.half(at: 0), block.half(at: 2))
    let levels = block.bytes(at: 4)
    for i in 0..<16 {
      target[i] = scale * Float(levels[i] & 15) + minimum
      target[i + 16] = scale * Float(levels[i] >> 4) + minimum
    }
  }

  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    narrowAffine(row, importance: importance, highest: 15, blocks: blocks) { block, range, levels in
      let place = target + bytes * block
      place.storeHalf(range.scale, at: 0)
      place.storeHalf(range.minimum, at: 2)
      packNibbles(levels, into: place.bytes(at: 4))
    }
  }
}

/// Fits scale, minimum and levels of blocks of 32.
///
/// Without weights the levels span the values, as in ggml's `quantize_row_q4_1_ref` and
/// `quantize_row_q5_1_ref`; with them the fit is searched for, as in its
/// `quantize_row_q4_1_impl` and `quantize_row_q5_1_impl`.
///
/// - Parameters:
///   - row: The values.
///   - importance: As many weights, or nil.
///   - highest: The largest level.
///   - blocks: Number of blocks.
///   - store: Receives the number of each block, its scale and minimum, and 32 levels.
@inline(__always)
func narrowAffine(
  _ row: UnsafePointer<Float>,
  importance: UnsafePointer<Float>?,
  highest: Float,
  blocks: Int,
  _ store: (Int, (scale: Float, minimum: Float), UnsafePointer<Int32>) -> Void
) {
  SearchRoom.with { room in
    let variance = importance == nil ? 0 : squareSum(row, 32 * blocks) / Float(32 * blocks)
    for block in 0..<blocks {
      let values = row + 32 * block
      if let importance {
        room.weigh(values, by: importance + 32 * block, variance, count: 32)
        let fit = room.fitAffine(
          values,
          count: 32,
          highest: highest,
          search: .weighted,
          levels: room.levels
        )
        store(block, (fit.scale, -fit.minimum), room.levels)
      } else {
        let span = moepack_span32(values)
        let scale = (span.largest - span.smallest) / highest
        let inverse = usableInverse(scale)
        moepack_levels32(values, span.smallest, inverse, 0.5, highest, room.levels)
        store(block, (scale, span.smallest), room.levels)
      }
    }
  }
}
