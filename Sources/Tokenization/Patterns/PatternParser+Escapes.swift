/// Backslashes, inside and outside of classes.
extension PatternParser {
  /// What follows a backslash outside of a class.
  mutating func escape(from start: Int) throws(PatternFault) -> PatternNode {
    switch peek() {
    case "A": return anchor(.textStart)
    case "z": return anchor(.textEnd)
    case "Z": return anchor(.textEndOrLastLineFeed)
    case "b": return anchor(.wordBoundary)
    case "B": return anchor(.noWordBoundary)
    default:
      if let set = try setEscape(from: start) {
        if set == .word { return .set(.lonelyWord) }
        return .set(set == .not(.word) ? .not(.lonelyWord) : set)
      }
      return try literal(try scalarEscape(from: start), from: start)
    }
  }

  private mutating func anchor(_ anchor: PatternNode.Anchor) -> PatternNode {
    position += 1
    return .anchor(anchor)
  }

  /// A set such as `\s` or `\p{L}`, if one follows the backslash.
  mutating func setEscape(from start: Int) throws(PatternFault) -> ScalarSet? {
    guard let next = peek() else { return nil }
    let set: ScalarSet
    switch next {
    case "s": set = .whitespace
    case "S": set = .not(.whitespace)
    case "d": set = .digit
    case "D": set = .not(.digit)
    case "w": set = .word
    case "W": set = .not(.word)
    case "h": set = .hexDigit
    case "H": set = .not(.hexDigit)
    case "p", "P": return try property(from: start)
    default: return nil
    }
    position += 1
    return set
  }

  private mutating func property(from start: Int) throws(PatternFault) -> ScalarSet {
    var isNegative = take() == "P"
    guard take("{") else { throw fault("a property without braces", at: start) }
    if take("^") { isNegative.toggle() }
    var name = ""
    while let next = take(), next != "}" { name.unicodeScalars.append(next) }
    guard let set = ScalarSet.property(named: name) else {
      throw fault(
        "the property \(quoted(name))",
        at: start,
        supported: ScalarSet.propertyNames
      )
    }
    if ignoresCase, case .categories(let categories) = set,
      !categories.isDisjoint(with: [.letters, .marks]),
      !categories.isSuperset(of: .letters), categories != .marks
    {
      throw fault(
        "the property \(quoted(name)), ignoring case,",
        at: start,
        supported: "L, M, N, P, S, Z, C"
      )
    }
    return isNegative ? .not(set) : set
  }

  /// A single code point written with a backslash.
  mutating func scalarEscape(from start: Int) throws(PatternFault) -> Unicode.Scalar {
    guard let next = take() else { throw fault("a backslash at the end", at: start) }
    switch next {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "f": return "\u{0C}"
    case "v": return "\u{0B}"
    case "a": return "\u{07}"
    case "e": return "\u{1B}"
    case "u": return try hexadecimal(digits: 4...4, from: start)
    case "x":
      guard take("{") else {
        let scalar = try hexadecimal(digits: 1...2, from: start)
        if scalar.value > 0x7F {
          throw fault("a byte beyond ASCII", at: start, supported: "\\x{…}")
        }
        return scalar
      }
      let scalar = try hexadecimal(digits: 1...8, from: start)
      guard take("}") else { throw fault("\\x{ without an end", at: start) }
      return scalar
    default:
      let isAlphanumeric =
        next.value < 0x80
        && (next.properties.isAlphabetic || next.properties.numericType != nil)
      if isAlphanumeric {
        throw fault(
          "the escape \\\(next)",
          at: start,
          supported:
            "\\n \\r \\t \\f \\v \\a \\e \\xHH \\x{…} \\uHHHH \\s \\d \\w \\h \\p{…} \\A \\z \\Z"
            + " \\b \\B and their opposites"
        )
      }
      return next
    }
  }

  private mutating func hexadecimal(
    digits: ClosedRange<Int>,
    from start: Int
  ) throws(PatternFault) -> Unicode.Scalar {
    var value: UInt32 = 0
    var count = 0
    while count < digits.upperBound, let next = peek(), next.value < 0x80,
      let digit = Character(next).hexDigitValue
    {
      value = value &* 16 &+ UInt32(digit)
      count += 1
      position += 1
    }
    guard digits.contains(count), let scalar = Unicode.Scalar(value) else {
      throw fault("no code point in hexadecimal", at: start)
    }
    return scalar
  }
}
