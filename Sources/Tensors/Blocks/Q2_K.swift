/// Blocks of 256 values in 16 groups: per group 4 bits of scale and 4 of minimum, 2 bits per level,
/// and half-precision d and m for the scales and minima; x = d s q - m n.
///
/// Levels lie as in ``twoBitLevels(_:)``.
enum Q2_K: SingleBlockType, SingleEncodableBlockType {
  static let elements = 256
  static let bytes = 84
  static let scales: [ScaleField] = [.half(80), .half(82)]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (block.half(at: 80), block.half(at: 82))
    let (scales, levels) = (block.bytes(at: 0), block.bytes(at: 16))
    for group in 0..<16 {
      let groupScale = scale * Float(scales[group] & 15)
      let groupMinimum = minimum * Float(scales[group] >> 4)
      let (place, shift) = twoBitLevels(group)
      let out = target + 16 * group
      for i in 0..<16 {
        out[i] = groupScale * Float(levels[place + i] &>> shift & 3) - groupMinimum
      }
    }
  }

  /// Without weights ggml's `quantize_row_q2_K_ref`, with them its `quantize_row_q2_K_impl`.
  static func narrow(
    block values: UnsafePointer<Float>,
    _ importance: UnsafePointer<Float>?,
    _ place: UnsafeMutableRawPointer,
    _ room: SearchRoom
  ) {
    let variance = importance == nil ? 0 : squareSum(values, 256) / 256
    for group in 0..<16 {
      let part = values + 16 * group
      var attempts = SearchRoom.Attempts.weighted
      if let importance {
        room.sums[group] = room.weigh(part, by: importance + 16 * group, variance, count: 16)
      } else {
        for i in 0..<16 { room.weights[i] = abs(part[i]) }
        attempts = SearchRoom.Attempts(first: -0.5, step: 0.1, further: 15, isAbsolute: true)
      }
      (room.scales[group], room.minima[group]) = room.fitAffine(
        part,
        count: 16,
        highest: 3,
        search: attempts,
        levels: room.levels + 16 * group
      )
    }
    let scale = place.storeHalf(
      fit(room.scales, room.scaleLevels, room, isWeighted: importance != nil),
      at: 80
    )
    let minimum = place.storeHalf(
      fit(room.minima, room.minimumLevels, room, isWeighted: importance != nil),
      at: 82
    )
    let scales = place.bytes(at: 0)
    for group in 0..<16 {
      scales[group] = UInt8(
        truncatingIfNeeded: room.scaleLevels[group] | room.minimumLevels[group] << 4
      )
      requantize(
        values + 16 * group,
        count: 16,
        scale: scale * Float(room.scaleLevels[group]),
        minimum: minimum * Float(room.minimumLevels[group]),
        highest: 3,
        levels: room.levels + 16 * group
      )
    }
    packTwoBits(room.levels, into: place.bytes(at: 16))
  }

  /// Stores scales or minima of the groups in 4 bits each; gives what they are multiples of.
  private static func fit(
    _ values: UnsafePointer<Float>,
    _ levels: UnsafeMutablePointer<Int32>,
    _ room: SearchRoom,
    isWeighted: Bool
  ) -> Float {
    if isWeighted { return room.fitScales(values, count: 16, highest: 15, levels: levels) }
    var largest: Float = 0
    for i in 0..<16 { largest = values[i] > largest ? values[i] : largest }
    let inverse = largest > 0 ? 15 / largest : 0
    for i in 0..<16 { levels[i] = nearestLevel(inverse * values[i], 0, 15) }
    return largest / 15
  }
}

/// Where a group of 16 levels of 2 bits starts among 64 bytes, and how far it is shifted.
///
/// Each half of a block has 32 bytes; byte i holds values i, i + 32, i + 64 and i + 96 of the half,
/// the first in the lowest bits.
@inline(__always)
func twoBitLevels(_ group: Int) -> (place: Int, shift: UInt8) {
  (group / 8 * 32 + group % 2 * 16, UInt8(truncatingIfNeeded: group % 8 / 2 * 2))
}

/// The lowest 2 bits of 256 levels, as ``twoBitLevels(_:)`` says.
@inline(__always)
func packTwoBits(_ levels: UnsafePointer<Int32>, into target: UnsafeMutablePointer<UInt8>) {
  for half in 0..<2 {
    let part = levels + 128 * half
    for i in 0..<32 {
      let low = part[i] & 3 | (part[i + 32] & 3) << 2
      let high = (part[i + 64] & 3) << 4 | (part[i + 96] & 3) << 6
      target[32 * half + i] = UInt8(truncatingIfNeeded: low | high)
    }
  }
}

/// Chooses the levels of a group anew for the scale and minimum as they are stored.
///
/// A scale of zero leaves the levels as they are.
@inline(__always)
func requantize(
  _ values: UnsafePointer<Float>,
  count: Int,
  scale: Float,
  minimum: Float,
  highest: Float,
  levels: UnsafeMutablePointer<Int32>
) {
  guard scale != 0 else { return }
  for i in 0..<count { levels[i] = nearestLevel((values[i] + minimum) / scale, 0, highest) }
}

/// Chooses the levels of a group anew for the scale as it is stored, and adds `limit` to them.
///
/// A scale of zero leaves the levels as they are.
@inline(__always)
func requantize(
  _ values: UnsafePointer<Float>,
  scale: Float,
  limit: Int,
  levels: UnsafeMutablePointer<Int32>
) {
  guard scale != 0 else { return }
  for i in 0..<16 {
    levels[i] =
      nearestLevel(values[i] / scale, -Float(limit), Float(limit - 1)) &+ Int32(limit)
  }
}
