/// Scales and minima of 8 groups in 12 bytes, 6 bits each, as ``Q4_K`` and ``Q5_K`` hold them.
///
/// Bytes 0 to 3 and 4 to 7 hold in their lower 6 bits the scales and the minima of the first four
/// groups, in their upper 2 bits the upper 2 of the last four; bytes 8 to 11 hold the lower nibbles
/// of those, the scale's below the minimum's.
struct SixBitPairs {
  let bytes: UnsafePointer<UInt8>

  /// Scale and minimum of a group, as multiples of the block's.
  @inline(__always)
  subscript(group: Int) -> (scale: Float, minimum: Float) {
    guard group >= 4 else { return (Float(bytes[group] & 63), Float(bytes[group + 4] & 63)) }
    let lower = bytes[group + 4]
    let scale = lower & 15 | (bytes[group - 4] >> 6) << 4
    let minimum = lower >> 4 | (bytes[group] >> 6) << 4
    return (Float(scale), Float(minimum))
  }

  /// Stores the levels of 8 scales and minima.
  @inline(__always)
  static func store(
    _ scales: UnsafePointer<Int32>,
    _ minima: UnsafePointer<Int32>,
    into target: UnsafeMutablePointer<UInt8>
  ) {
    for i in 0..<4 {
      target[i] = UInt8(truncatingIfNeeded: scales[i] & 63 | (scales[i + 4] >> 4) << 6)
      target[i + 4] = UInt8(truncatingIfNeeded: minima[i] & 63 | (minima[i + 4] >> 4) << 6)
      target[i + 8] = UInt8(truncatingIfNeeded: scales[i + 4] & 15 | (minima[i + 4] & 15) << 4)
    }
  }
}

extension SearchRoom {
  /// Fits the 8 groups of a block of ``Q4_K`` or ``Q5_K``, and stores its first 16 bytes.
  ///
  /// - Parameters:
  ///   - values: 256 values.
  ///   - importance: As many weights, or nil.
  ///   - highest: The largest level.
  ///   - unweighted: Where to look without weights.
  ///   - place: The block.
  @inline(__always)
  func fitSixBitPairs(
    _ values: UnsafePointer<Float>,
    _ importance: UnsafePointer<Float>?,
    highest: Float,
    unweighted: Attempts,
    into place: UnsafeMutableRawPointer
  ) {
    let variance = importance == nil ? 0 : 2 * squareSum(values, 256) / 256
    for group in 0..<8 {
      let part = values + 32 * group
      if let importance {
        sums[group] = weigh(part, by: importance + 32 * group, variance, count: 32)
      } else {
        let mean = (squareSum(part, 32) / 32).squareRoot()
        for i in 0..<32 { weights[i] = mean + abs(part[i]) }
      }
      (scales[group], minima[group]) = fitAffine(
        part,
        count: 32,
        highest: highest,
        search: importance == nil ? unweighted : .weighted,
        levels: levels + 32 * group
      )
    }
    let isWeighted = importance != nil
    let scale = place.storeHalf(sixBits(scales, scaleLevels, isWeighted: isWeighted), at: 0)
    let minimum = place.storeHalf(sixBits(minima, minimumLevels, isWeighted: isWeighted), at: 2)
    SixBitPairs.store(scaleLevels, minimumLevels, into: place.bytes(at: 4))
    for group in 0..<8 {
      requantize(
        values + 32 * group,
        count: 32,
        scale: scale * Float(scaleLevels[group]),
        minimum: minimum * Float(minimumLevels[group]),
        highest: highest,
        levels: levels + 32 * group
      )
    }
  }

  /// Levels of 8 scales or minima; gives what they are multiples of.
  private func sixBits(
    _ values: UnsafePointer<Float>,
    _ levels: UnsafeMutablePointer<Int32>,
    isWeighted: Bool
  ) -> Float {
    if isWeighted { return fitScales(values, count: 8, highest: 63, levels: levels) }
    var largest: Float = 0
    for i in 0..<8 { largest = values[i] > largest ? values[i] : largest }
    let inverse = largest > 0 ? 63 / largest : 0
    for i in 0..<8 { levels[i] = nearestLevel(inverse * values[i], 0, 63) }
    return largest / 63
  }
}
