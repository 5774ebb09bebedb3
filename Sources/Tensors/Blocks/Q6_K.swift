/// Blocks of 256 values in 16 groups: the low 4 and then the high 2 bits of levels of 6 bits, per
/// group a signed byte of scale, and a half-precision d; x = d s (q - 32).
///
/// Of each half, value i has the low nibble of byte i for i < 64, else the high one of byte i - 64;
/// high bits lie as in ``twoBitLevels(_:)``.
enum Q6_K: SingleBlockType, SingleEncodableBlockType {
  static let elements = 256
  static let bytes = 210
  static let scales: [ScaleField] = [.half(208)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 208)
    let scales = block.bytes(at: 192)
    for group in 0..<16 {
      let groupScale = scale * Float(Int8(bitPattern: scales[group]))
      let (place, shift) = twoBitLevels(group)
      let high = block.bytes(at: 128 + place)
      let low = block.bytes(at: group / 8 * 64 + group % 4 * 16)
      let nibble: UInt8 = group % 8 < 4 ? 0 : 4
      let out = target + 16 * group
      for i in 0..<16 {
        let level = low[i] &>> nibble & 15 | (high[i] &>> shift & 3) << 4
        out[i] = groupScale * Float(Int32(level) &- 32)
      }
    }
  }

  /// ggml's `quantize_row_q6_K_ref` and, with weights, `quantize_row_q6_K_impl`.
  static func narrow(
    block values: UnsafePointer<Float>,
    _ importance: UnsafePointer<Float>?,
    _ place: UnsafeMutableRawPointer,
    _ room: SearchRoom
  ) {
    for group in 0..<16 {
      let part = values + 16 * group
      if let importance {
        for i in 0..<16 { room.weights[i] = importance[16 * group + i] }
      } else {
        for i in 0..<16 { room.weights[i] = part[i] * part[i] }
      }
      room.scales[group] = room.fitSymmetric(
        part,
        count: 16,
        limit: 32,
        weights: room.weights,
        levels: room.levels + 16 * group
      )
    }
    let peak = extreme(room.scales, 16)
    guard abs(peak) >= smallestScale else {
      place.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      return
    }
    let inverse = -128 / peak
    let scale = place.storeHalf(1 / inverse, at: 208)
    let scales = place.bytes(at: 192)
    for group in 0..<16 {
      let level = nearestLevel(inverse * room.scales[group], -128, 127)
      scales[group] = UInt8(truncatingIfNeeded: level)
      requantize(
        values + 16 * group,
        scale: scale * Float(level),
        limit: 32,
        levels: room.levels + 16 * group
      )
    }
    let (low, high) = (place.bytes(at: 0), place.bytes(at: 128))
    for half in 0..<2 {
      let levels = room.levels + 128 * half
      for i in 0..<64 {
        low[64 * half + i] = UInt8(truncatingIfNeeded: levels[i] & 15 | (levels[i + 64] & 15) << 4)
      }
    }
    for i in 0..<256 { room.levels[i] >>= 4 }
    packTwoBits(room.levels, into: high)
  }
}
