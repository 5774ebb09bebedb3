/// What matching one ``PatternProgram`` remembers: answers of its sets, and ways not yet tried.
struct PatternState: Sendable {
  /// For each set, the place of every page of 256 code points in `bits`; negative if unknown.
  private var pages: [Int32]
  /// Membership, four words for each known page.
  private var bits: [UInt64] = []
  /// Ways not yet tried.
  var stack: [Frame] = []
  /// Ways taken back in the present search.
  var steps = 0

  private static let pageCount = 0x110000 / 256

  /// A way not yet tried: go on at `instruction`; with `low` below `position`, give back one code
  /// point of a run first.
  struct Frame: Sendable {
    let instruction: Int32
    let position: Int
    let low: Int
  }

  /// A state that knows nothing yet.
  init(_ program: PatternProgram) {
    pages = [Int32](repeating: -1, count: program.sets.count * PatternState.pageCount)
  }

  /// Whether set number `set` of `program` holds `scalar`.
  @inline(__always)
  mutating func contains(_ scalar: UInt32, set: Int32, _ program: PatternProgram) -> Bool {
    if scalar < 0x80 { return program.ascii[Int(set) * 128 + Int(scalar)] }
    let slot = Int(set) * PatternState.pageCount + Int(scalar >> 8)
    var page = pages[slot]
    if page < 0 {
      page = fill(scalar >> 8, program.sets[Int(set)])
      pages[slot] = page
    }
    let word = bits[Int(page) * 4 + Int((scalar >> 6) & 3)]
    return (word >> UInt64(scalar & 63)) & 1 != 0
  }

  private mutating func fill(_ page: UInt32, _ set: ScalarSet) -> Int32 {
    let place = Int32(bits.count / 4)
    for word in 0..<UInt32(4) {
      var mask: UInt64 = 0
      for bit in 0..<UInt32(64) where set.contains(page * 256 + word * 64 + bit) {
        mask |= 1 << UInt64(bit)
      }
      bits.append(mask)
    }
    return place
  }
}

/// The code point at `position` and the number of bytes it takes; the text is valid UTF-8.
@inline(__always)
func decodeScalar(_ text: Span<UInt8>, at position: Int) -> (value: UInt32, length: Int) {
  let first = UInt32(text[position])
  if first < 0x80 { return (first, 1) }
  let second = UInt32(text[position + 1]) & 0x3F
  if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
  let third = UInt32(text[position + 2]) & 0x3F
  if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
  let fourth = UInt32(text[position + 3]) & 0x3F
  return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
}

/// The start of the code point that ends at `position`; the text is valid UTF-8.
@inline(__always)
func scalarStart(_ text: Span<UInt8>, before position: Int) -> Int {
  var start = position - 1
  while text[start] & 0xC0 == 0x80 { start -= 1 }
  return start
}
