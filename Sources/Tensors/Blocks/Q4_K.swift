/// Blocks of 256 values in 8 groups: half-precision d and m for scales and minima of the groups,
/// those in 6 bits each, and 4 bits per level; x = d s q - m n.
///
/// Scales and minima lie as in ``SixBitPairs``; of each 32 bytes of levels the low nibbles are one
/// group, the high ones the next.
enum Q4_K: SingleBlockType, EncodableBlockType {
  static let elements = 256
  static let bytes = 144
  static let scales: [ScaleField] = [.half(0), .half(2)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (block.half(at: 0), block.half(at: 2))
    let pairs = SixBitPairs(bytes: block.bytes(at: 4))
    for pair in 0..<4 {
      let levels = block.bytes(at: 16 + 32 * pair)
      let (first, second) = (pairs[2 * pair], pairs[2 * pair + 1])
      let (scale1, minimum1) = (scale * first.scale, minimum * first.minimum)
      let (scale2, minimum2) = (scale * second.scale, minimum * second.minimum)
      let out = target + 64 * pair
      for i in 0..<32 { out[i] = scale1 * Float(levels[i] & 15) - minimum1 }
      for i in 0..<32 { out[32 + i] = scale2 * Float(levels[i] >> 4) - minimum2 }
    }
  }

  /// Without weights ggml's `quantize_row_q4_K_ref`, with them its `quantize_row_q4_K_impl`.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    let attempts = SearchRoom.Attempts(first: -1, step: 0.1, further: 20)
    SearchRoom.with { room in
      for block in 0..<blocks {
        let place = target + bytes * block
        room.fitSixBitPairs(
          row + elements * block,
          importance.map { $0 + elements * block },
          highest: 15,
          unweighted: attempts,
          into: place
        )
        let levels = place.bytes(at: 16)
        for pair in 0..<4 {
          let (first, second) = (room.levels + 64 * pair, room.levels + 64 * pair + 32)
          for i in 0..<32 {
            levels[32 * pair + i] = UInt8(truncatingIfNeeded: first[i] | second[i] << 4)
          }
        }
      }
    }
  }
}
