/// Blocks of 256 values in 8 groups: as ``Q4_K``, with a fifth bit per level; x = d s q - m n.
///
/// Bit g of high byte i belongs to value 32 g + i.
enum Q5_K: SingleBlockType, EncodableBlockType {
  static let elements = 256
  static let bytes = 176
  static let scales: [ScaleField] = [.half(0), .half(2)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (block.half(at: 0), block.half(at: 2))
    let pairs = SixBitPairs(bytes: block.bytes(at: 4))
    let high = block.bytes(at: 16)
    for pair in 0..<4 {
      let levels = block.bytes(at: 48 + 32 * pair)
      let (first, second) = (pairs[2 * pair], pairs[2 * pair + 1])
      let (scale1, minimum1) = (scale * first.scale, minimum * first.minimum)
      let (scale2, minimum2) = (scale * second.scale, minimum * second.minimum)
      let bit = UInt8(truncatingIfNeeded: 2 * pair)
      let out = target + 64 * pair
      for i in 0..<32 {
        let level = levels[i] & 15 | (high[i] &>> bit & 1) << 4
        out[i] = scale1 * Float(level) - minimum1
      }
      for i in 0..<32 {
        let level = levels[i] >> 4 | (high[i] &>> (bit &+ 1) & 1) << 4
        out[32 + i] = scale2 * Float(level) - minimum2
      }
    }
  }

  /// Without weights ggml's `quantize_row_q5_K_ref`, with them its `quantize_row_q5_K_impl`.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    let attempts = SearchRoom.Attempts(first: -0.5, step: 0.1, further: 15)
    SearchRoom.with { room in
      for block in 0..<blocks {
        let place = target + bytes * block
        room.fitSixBitPairs(
          row + elements * block,
          importance.map { $0 + elements * block },
          highest: 31,
          unweighted: attempts,
          into: place
        )
        let (high, levels) = (place.bytes(at: 16), place.bytes(at: 48))
        for i in 0..<32 {
          var bits: Int32 = 0
          for group in 0..<8 { bits |= (room.levels[32 * group + i] >> 4 & 1) << Int32(group) }
          high[i] = UInt8(truncatingIfNeeded: bits)
        }
        for pair in 0..<4 {
          let (first, second) = (room.levels + 64 * pair, room.levels + 64 * pair + 32)
          for i in 0..<32 {
            levels[32 * pair + i] = UInt8(
              truncatingIfNeeded: first[i] & 15 | (second[i] & 15) << 4
            )
          }
        }
      }
    }
  }
}
