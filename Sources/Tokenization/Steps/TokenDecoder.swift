/// The decoders of a description, ready to run.
struct TokenDecoder: Sendable {
  private enum Step: Sendable {
    case byteLevel
    case replace(PatternFinder, [UInt8])
    case byteFallback
    case fuse
    case strip(content: [UInt8], start: Int, stop: Int)
    case metaspace([UInt8], prepended: Bool)
  }

  /// nil: tokens are joined with spaces.
  private var steps: [Step]?

  /// Prepares `decoders`; their patterns keep their states in `states`.
  init(
    _ decoders: [TokenizerDescription.Decoder]?,
    states: inout [PatternState],
    file: String
  ) throws(TokenizationError) {
    guard let decoders else { return }
    var steps: [Step] = []
    for decoder in decoders {
      switch decoder {
      case .byteLevel: steps.append(.byteLevel)
      case .replace(let pattern, let text):
        let finder = try PatternFinder(pattern, states: &states, file: file)
        steps.append(.replace(finder, Array(text.utf8)))
      case .byteFallback: steps.append(.byteFallback)
      case .fuse: steps.append(.fuse)
      case .strip(let content, let start, let stop):
        let content = Array(String(Character(content)).utf8)
        steps.append(.strip(content: content, start: start, stop: stop))
      case .metaspace(let replacement, let prepended):
        let replacement = Array(String(Character(replacement)).utf8)
        steps.append(.metaspace(replacement, prepended: prepended))
      }
    }
    self.steps = steps
  }

  /// The text of `tokens`; bytes that are no UTF-8 become U+FFFD.
  func text(
    of tokens: [[UInt8]],
    _ states: inout [PatternState]
  ) throws(PatternTooSlow) -> String {
    guard let steps else {
      return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self)
    }
    var tokens = tokens
    for step in steps {
      switch step {
      case .byteLevel:
        // Each step hands on text, so what is no UTF-8 is replaced here.
        let bytes = tokens.flatMap { ByteAlphabet.decode($0) ?? $0 }
        tokens = [Array(String(decoding: bytes, as: UTF8.self).utf8)]
      case .replace(let finder, let replacement):
        for index in tokens.indices {
          tokens[index] = try finder.replacing(in: tokens[index], with: replacement, &states)
        }
      case .byteFallback: tokens = TokenDecoder.joinByteTokens(tokens)
      case .fuse: tokens = [Array(tokens.joined())]
      case .strip(let content, let start, let stop):
        tokens = tokens.map {
          TokenDecoder.strip($0, content, start: start, stop: stop)
        }
      case .metaspace(let replacement, let prepended):
        for index in tokens.indices {
          tokens[index] = TokenDecoder.replace(
            replacement,
            in: tokens[index],
            with: index == 0 && prepended ? [] : [0x20]
          )
        }
      }
    }
    return String(decoding: tokens.joined(), as: UTF8.self)
  }

  private static func joinByteTokens(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var out: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      if bytes.isEmpty { return }
      if String(validating: bytes, as: UTF8.self) != nil {
        out.append(bytes)
      } else {
        // One for every byte of the run, not for every broken sequence.
        for _ in bytes { out.append([0xEF, 0xBF, 0xBD]) }
      }
      bytes = []
    }
    for token in tokens {
      if let byte = ByteTokens.byte(of: token) {
        bytes.append(byte)
      } else {
        flush()
        out.append(token)
      }
    }
    flush()
    return out
  }

  private static func strip(
    _ token: [UInt8],
    _ content: [UInt8],
    start: Int,
    stop: Int
  ) -> [UInt8] {
    var rest = token[...]
    for _ in 0..<min(start, token.count) {
      guard rest.starts(with: content) else { break }
      rest = rest.dropFirst(content.count)
    }
    for _ in 0..<min(stop, token.count) {
      guard rest.suffix(content.count).elementsEqual(content) else { break }
      rest = rest.dropLast(content.count)
    }
    return Array(rest)
  }

  private static func replace(
    _ wanted: [UInt8],
    in token: [UInt8],
    with replacement: [UInt8]
  ) -> [UInt8] {
    var out: [UInt8] = []
    var position = 0
    while position < token.count {
      if token[position...].starts(with: wanted) {
        out += replacement
        position += wanted.count
      } else {
        out.append(token[position])
        position += 1
      }
    }
    return out
  }
}
