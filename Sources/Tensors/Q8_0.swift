internal import CKernels

/// ggml's Q8_0: blocks of 32 values as a half-precision scale d and 32 signed bytes; x = d * q.
///
/// The encoder is ggml's `quantize_row_q8_0_ref`: d = max|x| / 127 in Float32, q = round(x / d)
/// with halves away from zero, d then narrowed to half.
enum Q8_0 {
  static let elements = 32
  static let bytes = 34

  static func widen(
    _ source: UnsafeRawPointer,
    into target: UnsafeMutablePointer<Float>,
    blocks: Int
  ) {
    for block in 0..<blocks {
      let place = source + block * bytes
      var scale: Float = 0
      moepack_widen_f16(place, &scale, 1)
      let out = target + block * elements
      for i in 0..<elements {
        out[i] = Float(place.load(fromByteOffset: 2 + i, as: Int8.self)) * scale
      }
    }
  }

  static func narrow(
    _ source: UnsafePointer<Float>,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    for block in 0..<blocks {
      let values = source + block * elements
      var largest: Float = 0
      for i in 0..<elements { largest = max(largest, abs(values[i])) }
      var scale = largest / 127
      let inverse = scale == 0 ? 0 : 1 / scale
      let place = target + block * bytes
      moepack_narrow_f16(&scale, place, 1)
      for i in 0..<elements {
        let quant = (values[i] * inverse).rounded(.toNearestOrAwayFromZero)
        // A scale too small to invert gives no finite quant; its half is zero anyway.
        let stored = quant.isFinite ? Int8(clamping: Int(quant)) : 0
        place.storeBytes(of: stored, toByteOffset: 2 + i, as: Int8.self)
      }
    }
  }
}
