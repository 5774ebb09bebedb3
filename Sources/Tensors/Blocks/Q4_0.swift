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

  /// Without weights ggml's `quantize_row_q4_0_ref`: the extreme value is level -8. With them its
  /// `quantize_row_q4_0_impl`: a search of the scale.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    SearchRoom.with { room in
      let variance = importance == nil ? 0 : squareSum(row, 32 * blocks) / Float(32 * blocks)
      for block in 0..<blocks {
        let values = row + 32 * block
        let place = target + bytes * block
        if let importance {
          room.weigh(values, by: importance + 32 * block, variance, count: 32)
          let scale = room.fitSymmetric(
            values,
            count: 32,
            limit: 8,
            weights: room.weights,
            levels: room.levels
          )
          place.storeHalf(scale, at: 0)
        } else {
          let scale = extreme(values, 32) / -8
          let inverse = usableInverse(scale)
          for i in 0..<32 { room.levels[i] = flooredLevel(values[i] * inverse + 8.5, 15) }
          place.storeHalf(scale, at: 0)
        }
        packNibbles(room.levels, into: place.bytes(at: 2))
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
