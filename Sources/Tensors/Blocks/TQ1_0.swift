/// Blocks of 256 values of -d, 0 or d: five to a byte in 48 bytes, four in each of 4 more, and a
/// half-precision d (ternary models such as BitNet b1.58).
///
/// A byte is ceil(256 t / 243) for the base-3 number t of its digits x / d + 1, the first value's
/// highest, so that a digit is the carry of a product with 3. The first 32 bytes hold values
/// i + 32 n, the next 16 values 160 + i + 16 n, the last 4 values 240 + i + 4 n.
enum TQ1_0: SingleBlockType, EncodableBlockType {
  static let elements = 256
  static let bytes = 54
  static let scales: [ScaleField] = [.half(52)]

  /// Groups of bytes that step together: their first, their number, values per byte, first value.
  private static let runs: InlineArray<3, (place: Int, count: Int, digits: Int, first: Int)> = [
    (0, 32, 5, 0), (32, 16, 5, 160), (48, 4, 4, 240),
  ]

  @inline(__always)
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let scale = block.half(at: 52)
    for number in 0..<3 {
      let run = runs[number]
      let source = block.bytes(at: run.place)
      var power: UInt8 = 1
      for digit in 0..<run.digits {
        let out = target + run.first + run.count * digit
        for i in 0..<run.count {
          let carry = (UInt16(source[i] &* power) &* 3) >> 8
          out[i] = scale * Float(Int32(carry) &- 1)
        }
        power &*= 3
      }
    }
  }

  /// ggml's `quantize_row_tq1_0_ref`, which has no use for weights: d is the largest magnitude.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    SearchRoom.with { room in
      for block in 0..<blocks {
        let values = row + elements * block
        let place = target + bytes * block
        place.storeHalf(ternaryLevels(values, room.levels), at: 52)
        for number in 0..<3 {
          let run = runs[number]
          let digits = room.levels + run.first
          let out = place.bytes(at: run.place)
          for i in 0..<run.count {
            var sum: Int32 = 0
            for digit in 0..<run.digits { sum = sum &* 3 &+ digits[run.count &* digit &+ i] }
            // Four digits stand before a fifth of zero.
            if run.digits == 4 { sum = sum &* 3 }
            out[i] = UInt8(truncatingIfNeeded: (sum &* 256 &+ 242) / 243)
          }
        }
      }
    }
  }
}

/// The levels x / d + 1 of 256 values, 0 to 2, of which those of largest magnitude get 0 and 2.
///
/// - Parameters:
///   - values: The values.
///   - levels: Receives as many levels.
/// - Returns: d, the largest magnitude; zero if all values are.
@inline(__always)
func ternaryLevels(
  _ values: UnsafePointer<Float>,
  _ levels: UnsafeMutablePointer<Int32>
) -> Float {
  let scale = largestMagnitude(values, 256)
  let inverse = usableInverse(scale)
  for i in 0..<256 { levels[i] = roundedLevel(values[i] * inverse, limit: 1) &+ 1 }
  return scale
}
