/// Reads regular expressions in Oniguruma's Ruby syntax, as far as tokenizers use it.
///
/// Groups capture nothing; back-references, conditionals and subexpression calls are refused by
/// name, and so is whatever ignores case beyond ASCII.
struct PatternParser {
  let scalars: [Unicode.Scalar]
  var position = 0
  var ignoresCase = false
  var dotMatchesLineFeed = false
  private var depth = 0

  /// A parser of `source`.
  init(_ source: String) {
    scalars = Array(source.unicodeScalars)
  }

  /// The whole pattern.
  mutating func pattern() throws(PatternFault) -> PatternNode {
    let node = try alternation()
    if peek() != nil { throw fault("a closing parenthesis without an opening one") }
    return node
  }

  // MARK: - Structure

  private mutating func alternation() throws(PatternFault) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    if depth > 50 { throw fault("nesting deeper than 50") }
    // Options set inside a group end with it.
    let options = (ignoresCase, dotMatchesLineFeed)
    defer { (ignoresCase, dotMatchesLineFeed) = options }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .alternation(branches)
  }

  private mutating func sequence() throws(PatternFault) -> PatternNode {
    var nodes: [PatternNode] = []
    var lastLetter: Unicode.Scalar?
    while let next = peek(), next != "|", next != ")" {
      let start = position
      let atom = try atom()
      let letter = ignoresCase ? PatternParser.letter(atom) : nil
      if let first = lastLetter, let second = letter,
        ["ss", "ff", "fi", "fl", "st"].contains(String([Character(first), Character(second)]))
      {
        throw fault(
          "letters that have a ligature, ignoring case,",
          at: start,
          supported: "other letters"
        )
      }
      lastLetter = letter
      nodes.append(try quantified(atom, from: start))
    }
    return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
  }

  /// The lower-case letter that a case-ignoring literal stands for.
  private static func letter(_ node: PatternNode) -> Unicode.Scalar? {
    guard case .set(.ranges(let ranges)) = node, let value = ranges.first?.lowerBound,
      (0x61...0x7A).contains(value)
    else { return nil }
    return Unicode.Scalar(value)
  }

  private mutating func atom() throws(PatternFault) -> PatternNode {
    let start = position
    guard let next = take() else { return .empty }
    switch next {
    case "(": return try group(from: start)
    case "[": return .set(try characterClass(from: start))
    case ".": return .set(dotMatchesLineFeed ? .ranges([0...0x10FFFF]) : .dot)
    case "^": return .anchor(.lineStart)
    case "$": return .anchor(.lineEnd)
    case "\\": return try escape(from: start)
    case "*", "+", "?": throw fault("a quantifier with nothing before it", at: start)
    default: return try literal(next, from: start)
    }
  }

  /// One code point, or with case ignored the letters that count as the same.
  func literal(_ scalar: Unicode.Scalar, from start: Int) throws(PatternFault) -> PatternNode {
    guard ignoresCase else { return .scalar(scalar.value) }
    guard let variants = try caseVariants(scalar.value, from: start) else {
      return .scalar(scalar.value)
    }
    return .set(.ranges(variants.map { $0...$0 }))
  }

  /// The code points equal to `value` but for case; nil if it has no case.
  func caseVariants(_ value: UInt32, from start: Int) throws(PatternFault) -> [UInt32]? {
    switch value {
    case 0x41...0x5A: return try caseVariants(value + 0x20, from: start)
    case 0x73: return [value, 0x53, 0x17F]
    case 0x6B: return [value, 0x4B, 0x212A]
    case 0x61...0x7A: return [value, value - 0x20]
    case 0...0x7F: return nil
    default:
      guard let scalar = Unicode.Scalar(value), !scalar.properties.isCased,
        !scalar.properties.changesWhenCaseFolded
      else {
        throw fault("a letter beyond ASCII, ignoring case,", at: start, supported: "ASCII letters")
      }
      return nil
    }
  }

  private mutating func group(from start: Int) throws(PatternFault) -> PatternNode {
    guard take("?") else { return try closed(from: start) }
    if take(":") { return try closed(from: start) }
    if take("=") { return .lookahead(try closed(from: start), negative: false) }
    if take("!") { return .lookahead(try closed(from: start), negative: true) }
    if take(">") { return .atomic(try closed(from: start)) }
    if take("<") {
      if peek() == "=" || peek() == "!" {
        let negative = take() == "!"
        switch try closed(from: start) {
        case .scalar(let value): return .lookbehind(.ranges([value...value]), negative: negative)
        case .set(let set): return .lookbehind(set, negative: negative)
        default:
          throw fault(
            "looking behind at more than one character",
            at: start,
            supported: "looking behind at one character"
          )
        }
      }
      while let next = take(), next != ">" {}
      return try closed(from: start)
    }
    return try optionGroup(from: start)
  }

  /// `(?i:…)`, `(?i)…`, `(?-i)…`.
  private mutating func optionGroup(from start: Int) throws(PatternFault) -> PatternNode {
    let outer = (ignoresCase, dotMatchesLineFeed)
    var value = true
    while let next = take() {
      switch next {
      case "-": value = false
      case "i": ignoresCase = value
      case "m": dotMatchesLineFeed = value
      case ":":
        let node = try closed(from: start)
        (ignoresCase, dotMatchesLineFeed) = outer
        return node
      case ")":
        // Holds up to the end of the group around it, alternatives included.
        let rest = try alternation()
        (ignoresCase, dotMatchesLineFeed) = outer
        return rest
      default:
        throw fault(
          "the group (?\(next)",
          at: start,
          supported: "(?: (?= (?! (?> (?<= (?<! (?i (?-i (?m"
        )
      }
    }
    throw fault("a group without an end", at: start)
  }

  private mutating func closed(from start: Int) throws(PatternFault) -> PatternNode {
    let node = try alternation()
    guard take(")") else { throw fault("a group without an end", at: start) }
    return node
  }

  // MARK: - Quantifiers

  private mutating func quantified(
    _ atom: PatternNode,
    from start: Int
  ) throws(PatternFault) -> PatternNode {
    var node = atom
    while let next = peek() {
      let bounds: (min: Int, max: Int?)
      var isInterval = false
      switch next {
      case "?": bounds = (0, 1)
      case "*": bounds = (0, nil)
      case "+": bounds = (1, nil)
      case "{":
        guard let interval = try interval() else { return node }
        bounds = interval
        isInterval = true
      default: return node
      }
      if !isInterval { position += 1 }
      var greed = PatternNode.Greed.greedy
      // In Ruby's syntax {n}? is optional rather than lazy, and {n,m}+ repeats again.
      if isInterval, bounds.min == bounds.max {
        greed = .greedy
      } else if take("?") {
        greed = .lazy
      } else if !isInterval, take("+") {
        greed = .possessive
      }
      if bounds.max == nil, node.isNullable {
        throw fault(
          "endless repetition of something that may be empty",
          at: start,
          supported: "repetition of something that takes up text"
        )
      }
      node = .repeated(node, min: bounds.min, max: bounds.max, greed)
    }
    return node
  }

  /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; nil if the brace is just a brace.
  private mutating func interval() throws(PatternFault) -> (min: Int, max: Int?)? {
    let start = position
    position += 1
    let low = number()
    var bounds: (min: Int, max: Int?)?
    if take("}") {
      bounds = low.map { ($0, $0) }
    } else if take(",") {
      let high = number()
      if take("}"), low != nil || high != nil { bounds = (low ?? 0, high) }
    }
    guard let bounds else {
      position = start
      return nil
    }
    let max = bounds.max ?? bounds.min
    if max > 1000 || max < bounds.min {
      throw fault("a repetition count out of order or above 1000", at: start)
    }
    return bounds
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let next = peek(), (0x30...0x39).contains(next.value) {
      value = min((value ?? 0) * 10 + Int(next.value - 0x30), 1_000_000)
      position += 1
    }
    return value
  }

  // MARK: - Reading

  /// The next code point, left where it is.
  func peek() -> Unicode.Scalar? {
    position < scalars.count ? scalars[position] : nil
  }

  /// The next code point.
  mutating func take() -> Unicode.Scalar? {
    guard let next = peek() else { return nil }
    position += 1
    return next
  }

  /// Takes `scalar` if it is next.
  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek() == scalar else { return false }
    position += 1
    return true
  }

  /// The fault that `what` stands at the code point `place`.
  func fault(
    _ what: String,
    at place: Int? = nil,
    supported: String = "well-formed patterns"
  ) -> PatternFault {
    let offset = scalars[..<min(place ?? position, scalars.count)].reduce(0) {
      $0 + UTF8.width($1)
    }
    return PatternFault(offset: offset, what: what, supported: supported)
  }
}
