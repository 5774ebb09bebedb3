/// Character classes: `[…]`, `[^…]`, ranges, classes inside classes, `&&`.
extension PatternParser {
  /// The class whose opening bracket, at `start`, has been read.
  mutating func characterClass(from start: Int, depth: Int = 0) throws(PatternFault) -> ScalarSet {
    if depth > 20 { throw fault("classes nested deeper than 20", at: start) }
    let isNegative = take("^")
    var operands: [ScalarSet] = []
    var sets: [ScalarSet] = []
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while true {
      let place = position
      guard let next = take() else { throw fault("a class without an end", at: start) }
      if next == "]", !isFirst { break }
      isFirst = false
      switch next {
      case "[":
        if peek() == ":" {
          throw fault("a POSIX bracket", at: place, supported: "\\p{…}")
        }
        sets.append(try characterClass(from: place, depth: depth + 1))
      case "&" where peek() == "&":
        position += 1
        operands.append(ScalarSet(ranges: ranges, sets: sets))
        ranges = []
        sets = []
      case "\\":
        if let set = try setEscape(from: place) {
          sets.append(set)
        } else {
          let scalar: Unicode.Scalar
          if take("b") { scalar = "\u{08}" } else { scalar = try scalarEscape(from: place) }
          ranges += try range(from: scalar, at: place, negative: isNegative)
        }
      default:
        ranges += try range(from: next, at: place, negative: isNegative)
      }
    }
    operands.append(ScalarSet(ranges: ranges, sets: sets))
    let set = operands.count == 1 ? operands[0] : .intersection(operands)
    return isNegative ? .not(set) : set
  }

  /// The range that begins with `first`, or `first` alone; with case ignored, its variants too.
  private mutating func range(
    from first: Unicode.Scalar,
    at place: Int,
    negative: Bool
  ) throws(PatternFault) -> [ClosedRange<UInt32>] {
    var last = first
    if peek() == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
      position += 1
      guard let next = take() else { throw fault("a class without an end", at: place) }
      if next == "[" {
        throw fault("a range that ends in a class", at: place)
      } else if next == "\\" {
        if try setEscape(from: position) != nil {
          throw fault("a range that ends in a class", at: place)
        }
        last = try scalarEscape(from: place)
      } else {
        last = next
      }
    }
    guard first.value <= last.value else { throw fault("a range out of order", at: place) }
    let range = first.value...last.value
    guard ignoresCase else { return [range] }
    if last.value > 0x7F {
      throw fault("a class beyond ASCII, ignoring case,", at: place, supported: "ASCII")
    }
    var all = [range]
    for value in range {
      guard let variants = try caseVariants(value, from: place) else { continue }
      if negative {
        throw fault(
          "letters in a negated class, ignoring case,",
          at: place,
          supported: "other signs"
        )
      }
      all += variants.map { $0...$0 }
    }
    return all
  }
}

extension ScalarSet {
  /// The union of `ranges`, put in order, and `sets`.
  fileprivate init(ranges: [ClosedRange<UInt32>], sets: [ScalarSet]) {
    let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
    if sets.isEmpty {
      self = .ranges(sorted)
    } else if sets.count == 1, ranges.isEmpty {
      self = sets[0]
    } else {
      self = .union(ranges.isEmpty ? sets : [.ranges(sorted)] + sets)
    }
  }
}
