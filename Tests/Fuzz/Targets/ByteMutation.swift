internal import TestSupport

/// Changes that know nothing of a format.
enum ByteMutation {
  /// Values at which sizes and offsets go wrong.
  static let numbers: [UInt64] = [
    0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 20, 16 << 20,
    (16 << 20) + 1, 1 << 31, 1 << 31 - 1, 1 << 32, 1 << 32 - 1, 1 << 40, 1 << 62, 1 << 63,
    1 << 63 - 1, .max, .max - 7,
  ]

  /// Changes `bytes` once, somewhere in `range` (everywhere by default).
  static func apply(
    to bytes: inout [UInt8],
    in range: Range<Int>? = nil,
    using random: inout SeededRandom
  ) {
    let range = range ?? 0..<bytes.count
    guard !range.isEmpty else {
      bytes += random.bytes(Int.random(in: 1...16, using: &random))
      return
    }
    let place = Int.random(in: range, using: &random)
    let length = min(range.upperBound - place, 1 << Int.random(in: 0...6, using: &random))
    switch Int.random(in: 0..<10, using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
    case 2: bytes[place] &+= Bool.random(using: &random) ? 1 : 255
    case 3:
      put(numbers[Int.random(in: numbers.indices, using: &random)], at: place, &bytes, &random)
    case 4: nudge(at: place, &bytes, &random)
    case 5: bytes.removeSubrange(place..<place + length)
    case 6: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
    case 7: bytes.insert(contentsOf: random.bytes(length), at: place)
    case 8:
      let source = Int.random(in: 0...bytes.count - length, using: &random)
      bytes.replaceSubrange(place..<place + length, with: Array(bytes[source..<source + length]))
    default: bytes.removeSubrange(place...)
    }
  }

  /// Overwrites an integer of 1, 2, 4 or 8 bytes.
  private static func put(
    _ value: UInt64,
    at place: Int,
    _ bytes: inout [UInt8],
    _ random: inout SeededRandom
  ) {
    let width = min(bytes.count - place, 1 << Int.random(in: 0...3, using: &random))
    for byte in 0..<width { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  /// Adds a little to an integer of eight bytes.
  private static func nudge(at place: Int, _ bytes: inout [UInt8], _ random: inout SeededRandom) {
    guard place + 8 <= bytes.count else { return }
    let value: UInt64 = bytes.integer(at: place)
    bytes.put(value &+ UInt64(bitPattern: Int64.random(in: -32...32, using: &random)), at: place)
  }
}
