internal import CKernels

/// Blocks of 32 values as a half-precision scale d and 32 levels of 4 bits; x = d (q - 8).
///
/// The low nibble of byte i is value i, the high one value i + 16.
enum Q4_0: SingleBlockType, EncodableBlockType {
  static let elements = 32
  static let bytes = 18
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 0)
    let levels = block.bytes(at: 2)
    for i in 0..<16 {
      target[i] = scale * Float(Int32(levels[i] & 15) &- 8)
      target[i + 16] = scale * Float(Int32(levels[i] >> 4) &- 8)
    }
  }

  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    narrowSymmetric(row, importance: importance, limit: 8, blocks: blocks) { block, scale, levels in
      let place = target + bytes * block
      place.storeHalf(scale, at: 0)
      packNibbles(levels, into: place.bytes(at: 2))
    }
  }
}

/// Fits scale and levels of blocks of 32.
///
/// Without weights the extreme value is level -limit, as in ggml's `quantize_row_q4_0_ref` and
/// `quantize_row_q5_0_ref`; with them the scale is searched for, as in its `quantize_row_q4_0_impl`
/// and `quantize_row_q5_0_impl`.
///
/// - Parameters:
///   - row: The values.
///   - importance: As many weights, or nil.
///   - limit: Half the number of levels.
///   - blocks: Number of blocks.
///   - store: Receives the number of each block, its scale, and 32 levels with `limit` added.
@inline(__always)
func narrowSymmetric(
  _ row: UnsafePointer<Float>,
  importance: UnsafePointer<Float>?,
  limit: Int,
  blocks: Int,
  _ store: (Int, Float, UnsafePointer<Int32>) -> Void
) {
  SearchRoom.with { room in
    let variance = importance == nil ? 0 : squareSum(row, 32 * blocks) / Float(32 * blocks)
    let (middle, highest) = (Float(limit) + 0.5, Float(2 * limit - 1))
    for block in 0..<blocks {
      let values = row + 32 * block
      if let importance {
        room.weigh(values, by: importance + 32 * block, variance, count: 32)
        let scale = room.fitSymmetric(
          values,
          count: 32,
          limit: limit,
          weights: room.weights,
          levels: room.levels
        )
        store(block, scale, room.levels)
      } else {
        let scale = extreme(values, 32) / -Float(limit)
        let inverse = usableInverse(scale)
        moepack_levels32(values, 0, inverse, middle, highest, room.levels)
        store(block, scale, room.levels)
      }
    }
  }
}

/// 1 / scale; zero where the scale is zero, or so small that its inverse has no finite value.
@inline(__always)
func usableInverse(_ scale: Float) -> Float {
  let inverse = 1 / scale
  return inverse.isFinite ? inverse : 0
}

/// The low nibbles of 32 levels as 16 bytes, level i beside level i + 16.
@inline(__always)
func packNibbles(_ levels: UnsafePointer<Int32>, into target: UnsafeMutablePointer<UInt8>) {
  for i in 0..<16 {
    target[i] = UInt8(truncatingIfNeeded: levels[i] & 15 | (levels[i + 16] & 15) << 4)
  }
}

/// Bit 4 of 32 levels, that of the first lowest.
@inline(__always)
func fifthBits(_ levels: UnsafePointer<Int32>) -> UInt32 {
  var bits: UInt32 = 0
  for i in 0..<32 { bits |= (UInt32(truncatingIfNeeded: levels[i]) >> 4 & 1) << UInt32(i) }
  return bits
}
