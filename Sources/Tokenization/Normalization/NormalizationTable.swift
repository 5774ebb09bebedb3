/// Decompositions, combining classes and compositions, ready for look-up.
///
/// Built once from ``NormalizationData``, at the first text that needs more than a glance.
struct NormalizationTable: Sendable {
  /// What is known of a code point.
  struct Record: Sendable {
    /// Canonical combining class.
    var combiningClass: UInt8 = 0
    /// Place and length of the canonical decomposition; no length means none.
    var canonical: (start: UInt16, count: UInt8) = (0, 0)
    /// Place and length of the compatibility decomposition, where it differs.
    var compatible: (start: UInt16, count: UInt8) = (0, 0)
    /// Whether composition never makes this code point, though it has a decomposition.
    var isExcluded = false
    /// Whether it may be composed with a code point before it.
    var mayCompose = false
  }

  /// The one table.
  static let shared = NormalizationTable()

  private var pages = [UInt16](repeating: 0, count: 0x110000 / 256)
  private var cells = [UInt16](repeating: 0, count: 256)
  private var records = [Record()]
  /// All decompositions one after another.
  private(set) var scalars: [UInt32] = []
  private var compositions: [UInt64: UInt32] = [:]

  /// What is known of `scalar`.
  @inline(__always)
  func record(_ scalar: UInt32) -> Record {
    records[Int(cells[Int(pages[Int(scalar >> 8)]) * 256 + Int(scalar & 0xFF)])]
  }

  /// What `first` and `second` compose to.
  func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (Hangul.leads).contains(first), Hangul.vowels.contains(second) {
      return Hangul.first
        + ((first - Hangul.leads.lowerBound) * 21 + second - Hangul.vowels.lowerBound) * 28
    }
    if Hangul.syllables.contains(first), (first - Hangul.first) % 28 == 0,
      Hangul.trails.contains(second)
    {
      return first + second - Hangul.trails.lowerBound + 1
    }
    return compositions[UInt64(first) << 32 | UInt64(second)]
  }

  private init() {
    var pairs: [(scalar: UInt32, parts: ArraySlice<UInt32>)] = []
    NormalizationTable.forEachEntry(NormalizationData.canonical) { numbers, isMarked in
      let place = UInt16(scalars.count)
      scalars += numbers.dropFirst()
      update(numbers[0]) {
        $0.canonical = (place, UInt8(numbers.count - 1))
        $0.isExcluded = isMarked
      }
      if !isMarked { pairs.append((numbers[0], numbers.dropFirst())) }
    }
    NormalizationTable.forEachEntry(NormalizationData.compatible) { numbers, _ in
      let place = UInt16(scalars.count)
      scalars += numbers.dropFirst()
      update(numbers[0]) { $0.compatible = (place, UInt8(numbers.count - 1)) }
    }
    NormalizationTable.forEachEntry(NormalizationData.combiningClasses) { numbers, _ in
      for scalar in numbers[0]...numbers[1] {
        update(scalar) { $0.combiningClass = UInt8(numbers[2]) }
      }
    }
    // The shorter ones first: what begins a longer one is then already composed.
    pairs.sort { $0.parts.count < $1.parts.count }
    for (scalar, parts) in pairs {
      guard let last = parts.last, var first = parts.first else { continue }
      for part in parts.dropFirst().dropLast() { first = composition(first, part) ?? first }
      compositions[UInt64(first) << 32 | UInt64(last)] = scalar
      update(last) { $0.mayCompose = true }
    }
    for scalar in Hangul.vowels { update(scalar) { $0.mayCompose = true } }
    for scalar in Hangul.trails { update(scalar) { $0.mayCompose = true } }
  }

  private mutating func update(_ scalar: UInt32, _ change: (inout Record) -> Void) {
    let page = Int(scalar >> 8)
    if pages[page] == 0 {
      pages[page] = UInt16(cells.count / 256)
      cells += [UInt16](repeating: 0, count: 256)
    }
    let cell = Int(pages[page]) * 256 + Int(scalar & 0xFF)
    if cells[cell] == 0 {
      cells[cell] = UInt16(records.count)
      records.append(Record())
    }
    change(&records[Int(cells[cell])])
  }

  /// Calls `body` with the numbers of every entry and whether it is marked "!".
  private static func forEachEntry(_ text: StaticString, _ body: ([UInt32], Bool) -> Void) {
    var numbers: [UInt32] = []
    var number: UInt32 = 0
    var isMarked = false
    text.withUTF8Buffer { bytes in
      for byte in bytes {
        switch byte {
        case UInt8(ascii: "!"): isMarked = true
        case UInt8(ascii: " "):
          numbers.append(number)
          number = 0
        case UInt8(ascii: ","):
          body(numbers + [number], isMarked)
          numbers = []
          number = 0
          isMarked = false
        case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt32(byte - 0x30)
        default: number = number << 4 | UInt32(byte - 0x37)
        }
      }
    }
    body(numbers + [number], isMarked)
  }
}

/// Hangul syllables compose and decompose by arithmetic.
enum Hangul {
  /// The first syllable.
  static let first: UInt32 = 0xAC00
  /// All syllables.
  static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3
  /// Leading consonants.
  static let leads: ClosedRange<UInt32> = 0x1100...0x1112
  /// Vowels.
  static let vowels: ClosedRange<UInt32> = 0x1161...0x1175
  /// Trailing consonants.
  static let trails: ClosedRange<UInt32> = 0x11A8...0x11C2
}
