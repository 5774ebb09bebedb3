/// The normalizers of a description, ready to run.
struct TextNormalizer: Sendable {
  private enum Step: Sendable {
    case unicode(TokenizerDescription.UnicodeForm)
    case prepend([UInt8])
    case replace(PatternFinder, [UInt8])
    case lowercase
    case strip(left: Bool, right: Bool)
    case byteLevel
  }

  private var steps: [Step] = []

  /// Whether the text stays as it is.
  var isIdentity: Bool { steps.isEmpty }

  /// Prepares `normalizers`; their patterns keep their states in `states`.
  init(
    _ normalizers: [TokenizerDescription.Normalizer],
    states: inout [PatternState],
    file: String
  ) throws(TokenizationError) {
    for normalizer in normalizers {
      switch normalizer {
      case .unicode(let form): steps.append(.unicode(form))
      case .prepend(let text): steps.append(.prepend(Array(text.utf8)))
      case .replace(let pattern, let text):
        let finder = try PatternFinder(pattern, states: &states, file: file)
        steps.append(.replace(finder, Array(text.utf8)))
      case .lowercase: steps.append(.lowercase)
      case .strip(let left, let right): steps.append(.strip(left: left, right: right))
      case .byteLevel: steps.append(.byteLevel)
      }
    }
  }

  /// `text` after all steps.
  func normalized(
    _ text: [UInt8],
    _ states: inout [PatternState]
  ) throws(PatternTooSlow) -> [UInt8] {
    var text = text
    for step in steps {
      switch step {
      case .unicode(let form):
        if let changed = form.normalized(text.span, 0..<text.count) { text = changed }
      case .prepend(let prefix):
        if !text.isEmpty { text.insert(contentsOf: prefix, at: 0) }
      case .replace(let finder, let replacement):
        text = try finder.replacing(in: text, with: replacement, &states)
      case .lowercase: text = TextNormalizer.lowercased(text)
      case .strip(let left, let right):
        text = TextNormalizer.stripped(text, left: left, right: right)
      case .byteLevel:
        var out: [UInt8] = []
        ByteAlphabet.encode(text.span, 0..<text.count, to: &out)
        text = out
      }
    }
    return text
  }

  private static func lowercased(_ text: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    let span = text.span
    var position = 0
    while position < text.count {
      let (scalar, length) = decodeScalar(span, at: position)
      if scalar < 0x80 {
        out.append((0x41...0x5A).contains(scalar) ? UInt8(scalar + 0x20) : UInt8(scalar))
      } else if let mapping = Unicode.Scalar(scalar)?.properties.lowercaseMapping {
        out += mapping.utf8
      }
      position += length
    }
    return out
  }

  private static func stripped(_ text: [UInt8], left: Bool, right: Bool) -> [UInt8] {
    let span = text.span
    var range = 0..<text.count
    if left { range = skipWhitespace(span, from: 0, to: text.count)..<text.count }
    if right { range = range.lowerBound..<trimWhitespace(span, range) }
    return range.count == text.count ? text : Array(text[range])
  }
}

/// The place after the white space that begins at `start`.
func skipWhitespace(_ text: Span<UInt8>, from start: Int, to end: Int) -> Int {
  var position = start
  while position < end {
    let (scalar, length) = decodeScalar(text, at: position)
    guard ScalarSet.whitespace.contains(scalar) else { break }
    position += length
  }
  return position
}

/// The place before the white space that ends `range`.
func trimWhitespace(_ text: Span<UInt8>, _ range: Range<Int>) -> Int {
  var end = range.upperBound
  while end > range.lowerBound {
    let start = scalarStart(text, before: end)
    guard ScalarSet.whitespace.contains(decodeScalar(text, at: start).value) else { break }
    end = start
  }
  return end
}

extension PatternFinder {
  /// `text` with every match replaced.
  func replacing(
    in text: [UInt8],
    with replacement: [UInt8],
    _ states: inout [PatternState]
  ) throws(PatternTooSlow) -> [UInt8] {
    var matches: [Range<Int>] = []
    try appendMatches(in: text.span, 0..<text.count, to: &matches, &states)
    if matches.isEmpty { return text }
    var out: [UInt8] = []
    out.reserveCapacity(text.count + matches.count * replacement.count)
    var position = 0
    for match in matches {
      out += text[position..<match.lowerBound]
      out += replacement
      position = match.upperBound
    }
    out += text[position...]
    return out
  }
}
