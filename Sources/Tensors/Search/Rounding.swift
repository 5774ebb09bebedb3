/// The integer nearest to `value`, ties to even, within `lowest...highest`; for NaN the lowest.
///
/// Adding 1.5 * 2^23 leaves the integer in the lowest bits of the mantissa, which needs no library
/// call and cannot trap; ggml's `nearest_int` is the same.
@inline(__always)
func nearestLevel(_ value: Float, _ lowest: Float, _ highest: Float) -> Int32 {
  let inside = value > lowest ? (value < highest ? value : highest) : lowest
  return Int32(bitPattern: (inside + 12_582_912).bitPattern & 0x7F_FFFF) &- 0x40_0000
}

/// The integer nearest to `value`, halves away from zero, within `-limit...limit`; NaN as the least.
@inline(__always)
func roundedLevel(_ value: Float, limit: Float) -> Int32 {
  let inside = value > -limit ? (value < limit ? value : limit) : -limit
  let even = nearestLevel(inside, -limit, limit)
  let rest = inside - Float(even)
  let up: Int32 = rest == 0.5 && inside > 0 ? 1 : 0
  let down: Int32 = rest == -0.5 && inside < 0 ? 1 : 0
  return even &+ up &- down
}

/// The value of largest magnitude, the first of several; of zeros the first with its sign.
@inline(__always)
func extreme(_ values: UnsafePointer<Float>, _ count: Int) -> Float {
  var (largest, value) = (abs(values[0]), values[0])
  for i in 1..<count where abs(values[i]) > largest {
    largest = abs(values[i])
    value = values[i]
  }
  return value
}

/// The largest magnitude.
@inline(__always)
func largestMagnitude(_ values: UnsafePointer<Float>, _ count: Int) -> Float {
  var largest: Float = 0
  for i in 0..<count {
    let magnitude = abs(values[i])
    largest = magnitude > largest ? magnitude : largest
  }
  return largest
}

/// The sum of squares, added in order.
@inline(__always)
func squareSum(_ values: UnsafePointer<Float>, _ count: Int) -> Float {
  var sum: Float = 0
  for i in 0..<count { sum += values[i] * values[i] }
  return sum
}

/// How scales below this are treated: as zero, since their inverse is of no use (ggml's
/// `GROUP_MAX_EPS`).
let smallestScale: Float = 1e-15
