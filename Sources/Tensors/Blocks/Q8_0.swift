/// Blocks of 32 values as a half-precision scale d and 32 signed bytes; x = d q.
enum Q8_0: SingleBlockType, EncodableBlockType {
  static let elements = 32
  static let bytes = 34
  static let scales: [ScaleField] = [.half(0)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 0)
    let levels = block.bytes(at: 2)
    for i in 0..<32 { target[i] = Float(Int8(bitPattern: levels[i])) * scale }
  }

  /// ggml's `quantize_row_q8_0_ref`, which has no use for weights: d = max|x| / 127 in Float32,
  /// q = round(x / d) with halves away from zero, d then narrowed to half.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    for block in 0..<blocks {
      let values = row + elements * block
      let place = target + bytes * block
      let scale = largestMagnitude(values, elements) / 127
      // A scale too small to invert gives no finite level; its half is zero anyway.
      let inverse = usableInverse(scale)
      place.storeHalf(scale, at: 0)
      let levels = place.bytes(at: 2)
      for i in 0..<elements {
        levels[i] = UInt8(truncatingIfNeeded: roundedLevel(values[i] * inverse, limit: 127))
      }
    }
  }
}
