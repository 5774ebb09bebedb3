internal import TestSupport

/// Changes to JSON text token by token, so that most of what comes out is JSON again.
struct JSONMutation {
  /// Strings that are worth trying in this format: names, types, paths.
  let words: [String]

  private static let scalars = [
    "0", "-1", "1", "2", "3", "7", "1.5", "1e3", "4.0", "-0", "1e400", "1e-400", "65536",
    "2147483648", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "null", "true", "false", "[]", "{}", "\"\"", "[0]", "{\"\":0}",
    "\"\\u0000\"", "\"\\ud800\"", "\"\\u001b[2J\"", "\"\u{202E}\"", "NaN", "-Infinity", "01",
  ]

  /// Changes `text` once.
  func apply(to text: inout [UInt8], using random: inout SeededRandom) {
    let tokens = JSONMutation.tokens(of: text)
    guard !tokens.isEmpty, Int.random(in: 0..<12, using: &random) > 0 else {
      ByteMutation.apply(to: &text, using: &random)
      return
    }
    let first = Int.random(in: tokens.indices, using: &random)
    let value =
      tokens[first].lowerBound..<tokens[JSONMutation.end(of: first, text, tokens)].upperBound
    switch Int.random(in: 0..<10, using: &random) {
    case 0, 1: text.replaceSubrange(value, with: scalar(using: &random))
    case 2, 3: text.replaceSubrange(tokens[first], with: scalar(using: &random))
    case 4:
      let other = tokens[Int.random(in: tokens.indices, using: &random)]
      text.replaceSubrange(tokens[first], with: Array(text[other]))
    case 5: text.removeSubrange(value)
    case 6: remove(first, &text, tokens)
    case 7: text.insert(contentsOf: Array(text[value]) + [UInt8(ascii: ",")], at: value.lowerBound)
    case 8:
      let depth = Int.random(in: 1...100, using: &random)
      let open = [UInt8](repeating: UInt8(ascii: "["), count: depth)
      let close = [UInt8](repeating: UInt8(ascii: "]"), count: depth)
      text.replaceSubrange(value, with: open + text[value] + close)
    default: changeNumber(tokens[first], &text, using: &random)
    }
  }

  private func scalar(using random: inout SeededRandom) -> [UInt8] {
    if !words.isEmpty, Bool.random(using: &random) {
      return Array("\"\(words[Int.random(in: words.indices, using: &random)])\"".utf8)
    }
    let choice = Int.random(in: JSONMutation.scalars.indices, using: &random)
    return Array(JSONMutation.scalars[choice].utf8)
  }

  /// Removes a member or element with the comma behind it, if the token starts one.
  private func remove(_ first: Int, _ text: inout [UInt8], _ tokens: [Range<Int>]) {
    var last = JSONMutation.end(of: first, text, tokens)
    func byte(_ token: Int) -> UInt8? {
      tokens.indices.contains(token) ? text[tokens[token].lowerBound] : nil
    }
    if byte(last + 1) == UInt8(ascii: ":"), tokens.indices.contains(last + 2) {
      last = JSONMutation.end(of: last + 2, text, tokens)
    }
    if byte(last + 1) == UInt8(ascii: ",") { last += 1 }
    text.removeSubrange(tokens[first].lowerBound..<tokens[last].upperBound)
  }

  /// Another number in place of one: near it, or far.
  private func changeNumber(
    _ token: Range<Int>,
    _ text: inout [UInt8],
    using random: inout SeededRandom
  ) {
    guard let number = Int(String(decoding: text[token], as: UTF8.self)) else { return }
    let far = Int(
      truncatingIfNeeded: ByteMutation.numbers[
        Int.random(in: ByteMutation.numbers.indices, using: &random)
      ]
    )
    let near = number &+ Int.random(in: -2...2, using: &random)
    let other = [near, far, number &* 2, number / 2, 0 &- number][
      Int.random(in: 0..<5, using: &random)
    ]
    text.replaceSubrange(token, with: String(other).utf8)
  }

  // MARK: - Tokens

  /// Ranges of brackets, commas, colons, strings and other words.
  private static func tokens(of text: [UInt8]) -> [Range<Int>] {
    var tokens: [Range<Int>] = []
    var place = 0
    while place < text.count {
      let start = place
      place += 1
      switch text[start] {
      case 0x20, 0x09, 0x0A, 0x0D: continue
      case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"),
        UInt8(ascii: ","), UInt8(ascii: ":"):
        break
      case UInt8(ascii: "\""):
        while place < text.count, text[place] != UInt8(ascii: "\"") {
          place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        place = min(place + 1, text.count)
      default:
        while place < text.count, !isBorder(text[place]) { place += 1 }
      }
      tokens.append(start..<place)
    }
    return tokens
  }

  private static func isBorder(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "]"),
      UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "\""):
      true
    default: false
    }
  }

  /// The last token of the value that starts at token `first`.
  private static func end(of first: Int, _ text: [UInt8], _ tokens: [Range<Int>]) -> Int {
    var depth = 0
    for token in first..<tokens.count {
      switch text[tokens[token].lowerBound] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
      if depth <= 0 { return token }
    }
    return tokens.count - 1
  }
}
