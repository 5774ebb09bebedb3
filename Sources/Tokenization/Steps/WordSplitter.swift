/// The pre-tokenizers of a description, ready to run.
struct WordSplitter: Sendable {
  private enum Step: Sendable {
    case split(PatternFinder, TokenizerDescription.SplitBehavior, invert: Bool)
    case byteLevel(addPrefixSpace: Bool, PatternFinder?)
    case metaspace([UInt8], TokenizerDescription.PrependScheme, PatternFinder?)
  }

  private var steps: [Step] = []

  private static let byteLevelPattern =
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// Prepares `preTokenizers`; their patterns keep their states in `states`.
  init(
    _ preTokenizers: [TokenizerDescription.PreTokenizer],
    states: inout [PatternState],
    file: String
  ) throws(TokenizationError) {
    /// A finder of single code points of a set, or of runs of them.
    func finder(
      _ set: ScalarSet,
      runs: Bool = false
    ) throws(TokenizationError) -> PatternFinder {
      let node = PatternNode.repeated(.set(set), min: 1, max: runs ? nil : 1, .greedy)
      return try finder(node)
    }
    func finder(_ node: PatternNode) throws(TokenizationError) -> PatternFinder {
      do throws(PatternFault) {
        return PatternFinder(try PatternProgram(node, source: "built in"), states: &states)
      } catch {
        throw .unsupported(
          file: file,
          place: "pre_tokenizer",
          got: error.what,
          supported: error.supported
        )
      }
    }

    for preTokenizer in preTokenizers {
      switch preTokenizer {
      case .split(let pattern, let behavior, let invert):
        let finder = try PatternFinder(pattern, states: &states, file: file)
        steps.append(.split(finder, behavior, invert: invert))
      case .byteLevel(let addPrefixSpace, let useRegex):
        let finder =
          useRegex
          ? try PatternFinder(
            .regex(WordSplitter.byteLevelPattern),
            states: &states,
            file: file
          ) : nil
        steps.append(.byteLevel(addPrefixSpace: addPrefixSpace, finder))
      case .metaspace(let replacement, let scheme, let split):
        let text = String(Character(replacement))
        let finder =
          split ? try PatternFinder(.string(text), states: &states, file: file) : nil
        steps.append(.metaspace(Array(text.utf8), scheme, finder))
      case .whitespace:
        let others = ScalarSet.not(.union([.rustWord, .whitespace]))
        let node = PatternNode.alternation([
          .repeated(.set(.rustWord), min: 1, max: nil, .greedy),
          .repeated(.set(others), min: 1, max: nil, .greedy),
        ])
        steps.append(.split(try finder(node), .removed, invert: true))
      case .whitespaceSplit:
        steps.append(.split(try finder(.whitespace, runs: true), .removed, invert: false))
      case .digits(let individual):
        let finder = try finder(.rustNumeric, runs: !individual)
        steps.append(.split(finder, .isolated, invert: false))
      case .punctuation(let behavior):
        steps.append(.split(try finder(.punctuation8), behavior, invert: false))
      }
    }
  }

  /// Cuts `text` into words, perhaps rewriting it; `isFirst` says whether it begins where the whole
  /// text does.
  func split(
    _ text: [UInt8],
    isFirst: Bool,
    _ states: inout [PatternState]
  ) throws(PatternTooSlow) -> (text: [UInt8], words: [Range<Int>]) {
    var text = text
    var words = text.isEmpty ? [] : [0..<text.count]
    var matches: [Range<Int>] = []
    for step in steps {
      switch step {
      case .split(let finder, let behavior, let invert):
        words = try cut(text.span, words, finder, behavior, invert: invert, &matches, &states)
      case .byteLevel(let addPrefixSpace, let finder):
        if addPrefixSpace { (text, words) = WordSplitter.prefixSpaces(text, words) }
        if let finder {
          words = try cut(
            text.span,
            words,
            finder,
            .isolated,
            invert: false,
            &matches,
            &states
          )
        }
        (text, words) = WordSplitter.byteLevel(text, words)
      case .metaspace(let replacement, let scheme, let finder):
        (text, words) = WordSplitter.metaspace(
          text,
          words,
          replacement,
          scheme,
          isFirst: isFirst
        )
        if let finder {
          words = try cut(
            text.span,
            words,
            finder,
            .mergedWithNext,
            invert: false,
            &matches,
            &states
          )
        }
      }
    }
    return (text, words)
  }

  // MARK: - Cutting

  private func cut(
    _ text: Span<UInt8>,
    _ words: [Range<Int>],
    _ finder: PatternFinder,
    _ behavior: TokenizerDescription.SplitBehavior,
    invert: Bool,
    _ matches: inout [Range<Int>],
    _ states: inout [PatternState]
  ) throws(PatternTooSlow) -> [Range<Int>] {
    var out: [Range<Int>] = []
    out.reserveCapacity(words.count + words.count / 2)
    for word in words {
      matches.removeAll(keepingCapacity: true)
      try finder.appendMatches(in: text, word, to: &matches, &states)
      WordSplitter.append(word, cutAt: matches, behavior, invert: invert, to: &out)
    }
    return out
  }

  /// Appends the pieces of `word` that `matches` make; empty ones are left out.
  static func append(
    _ word: Range<Int>,
    cutAt matches: [Range<Int>],
    _ behavior: TokenizerDescription.SplitBehavior,
    invert: Bool,
    to out: inout [Range<Int>]
  ) {
    var position = word.lowerBound
    let first = out.count
    var wasMatch = false
    func add(_ piece: Range<Int>, isMatch found: Bool) {
      let isMatch = found != invert
      // The text between two neighbouring matches is no piece; an empty match is one, unseen.
      defer { wasMatch = isMatch }
      let joins =
        switch behavior {
        case .isolated, .removed: false
        case .contiguous: isMatch == wasMatch
        case .mergedWithPrevious: isMatch && !wasMatch
        case .mergedWithNext: !isMatch && wasMatch
        }
      if behavior == .removed, isMatch { return }
      if joins, out.count > first, let last = out.last {
        out[out.count - 1] = last.lowerBound..<piece.upperBound
      } else {
        out.append(piece)
      }
    }
    for match in matches {
      if position < match.lowerBound { add(position..<match.lowerBound, isMatch: false) }
      add(match, isMatch: true)
      position = match.upperBound
    }
    if position < word.upperBound { add(position..<word.upperBound, isMatch: false) }
    if out[first...].contains(where: \.isEmpty) {
      out.replaceSubrange(first..., with: out[first...].filter { !$0.isEmpty })
    }
  }

  // MARK: - Rewriting

  private static func prefixSpaces(
    _ text: [UInt8],
    _ words: [Range<Int>]
  ) -> ([UInt8], [Range<Int>]) {
    rewrite(text, words) { word, out in
      if text[word.lowerBound] != 0x20 { out.append(0x20) }
      out += text[word]
    }
  }

  private static func byteLevel(
    _ text: [UInt8],
    _ words: [Range<Int>]
  ) -> ([UInt8], [Range<Int>]) {
    let span = text.span
    return rewrite(text, words) { word, out in ByteAlphabet.encode(span, word, to: &out) }
  }

  private static func metaspace(
    _ text: [UInt8],
    _ words: [Range<Int>],
    _ replacement: [UInt8],
    _ scheme: TokenizerDescription.PrependScheme,
    isFirst: Bool
  ) -> ([UInt8], [Range<Int>]) {
    rewrite(text, words) { word, out in
      let isWanted =
        switch scheme {
        case .always: true
        case .first: isFirst && word.lowerBound == 0
        case .never: false
        }
      if isWanted, text[word.lowerBound] != 0x20, !text[word].starts(with: replacement) {
        out += replacement
      }
      for byte in text[word] {
        if byte == 0x20 { out += replacement } else { out.append(byte) }
      }
    }
  }

  private static func rewrite(
    _ text: [UInt8],
    _ words: [Range<Int>],
    _ write: (Range<Int>, inout [UInt8]) -> Void
  ) -> ([UInt8], [Range<Int>]) {
    var out: [UInt8] = []
    out.reserveCapacity(text.count + text.count / 4)
    var places: [Range<Int>] = []
    places.reserveCapacity(words.count)
    for word in words {
      let start = out.count
      write(word, &out)
      places.append(start..<out.count)
    }
    return (out, places)
  }
}
