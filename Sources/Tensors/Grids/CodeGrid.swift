/// The points that a group of 8 or 4 values of an IQ type is one of; their numbers are what a
/// block stores.
///
/// The points are ggml's (`ggml-common.h`), as the `gguf` package packs them: hexadecimal digits of
/// bytes, whose fields of 2 or 4 bits, the lowest first, number the magnitudes (MIT licence, see
/// NOTICE). They are unpacked at the first use and stay.
struct CodeGrid: @unchecked Sendable {
  /// Values of a point.
  let width: Int
  private let points: UnsafePointer<Int8>

  /// Unpacks a grid.
  ///
  /// - Parameters:
  ///   - digits: The packed points.
  ///   - bits: Size of a field, 2 or 4.
  ///   - magnitudes: What its numbers stand for.
  ///   - width: Values of a point.
  init(_ digits: StaticString, bits: Int, magnitudes: [Int8], width: Int) {
    let perByte = 8 / bits
    let count = digits.utf8CodeUnitCount / 2 * perByte
    let room = UnsafeMutablePointer<Int8>.allocate(capacity: count)
    for place in 0..<count {
      let byte = place / perByte
      let high = CodeGrid.value(of: digits.utf8Start[2 * byte])
      let low = CodeGrid.value(of: digits.utf8Start[2 * byte + 1])
      let field = (high << 4 | low) >> (place % perByte * bits) & (1 << bits - 1)
      room[place] = magnitudes[field % magnitudes.count]
    }
    self.width = width
    points = UnsafePointer(room)
  }

  private static func value(of digit: UInt8) -> Int { Int(digit) - (digit < 58 ? 48 : 87) }

  /// A point's values; `number` is below the grid's size by the width of its field in a block.
  @inline(__always)
  func point(_ number: Int) -> UnsafePointer<Int8> { points + width * number }
}

/// A sign for each of 8 values in 7 bits: the eighth makes their number even.
@inline(__always)
func evenSigns(_ index: UInt32) -> UInt32 {
  let seven = index & 127
  return seven | UInt32(truncatingIfNeeded: seven.nonzeroBitCount & 1) << 7
}

/// Writes `count` values `scale` * `point`, negative where `signs` has a one, the first in bit 0.
@inline(__always)
func writeSigned(
  _ point: UnsafePointer<Int8>,
  count: Int,
  signs: UInt32,
  scale: Float,
  into target: UnsafeMutablePointer<Float>
) {
  for i in 0..<count {
    let sign = (signs >> UInt32(truncatingIfNeeded: i) & 1) << 31
    target[i] = Float(bitPattern: (scale * Float(point[i])).bitPattern ^ sign)
  }
}
