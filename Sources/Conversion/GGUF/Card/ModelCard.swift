/// What stands between the two `---` at the top of a README.md on the Hugging Face Hub: the part of
/// YAML that model cards are written in.
///
/// Read are keys at the start of a line with a scalar, plain or quoted, over several lines after `>` or
/// `|`, or with a list of scalars, `[a, b]` or a line each. What is nested deeper, as results of
/// evaluations, is passed over. Source: the card's fields in `gguf-py/gguf/metadata.py`.
struct ModelCard {
  /// What a key has.
  enum Value: Equatable {
    case text(String)
    /// The scalars of a list.
    case list([String])

    /// The one text, or all of them.
    var texts: [String] {
      switch self {
      case .text(let text): [text]
      case .list(let list): list
      }
    }
  }

  private var values: [String: Value] = [:]

  /// Reads the top of a README.md; empty if there is no such part.
  init(readme: [UInt8]) {
    var lines = String(decoding: readme.prefix(ModelCard.limit), as: UTF8.self)
      .replacing("\t", with: "  ")
      .split(separator: /\r\n|\r|\n/, omittingEmptySubsequences: false)[...]
    guard lines.popFirst() == "---", let end = lines.firstIndex(of: "---") else { return }
    lines = lines[..<end]
    while let line = lines.popFirst() {
      guard let match = line.wholeMatch(of: /([A-Za-z_][\w.-]*)\s*:(?:\s+(.*))?/) else { continue }
      // What belongs to the key: indented lines, empty ones, and items of a list.
      let block = lines.prefix { $0.isEmpty || $0.first == " " || $0.hasPrefix("- ") || $0 == "-" }
      lines = lines.dropFirst(block.count)
      let rest = ModelCard.withoutComment(match.2 ?? "")
      if let value = ModelCard.value(rest, Array(block)) { values[String(match.1)] = value }
    }
  }

  /// Bytes at the top of the file that are looked at.
  private static let limit = 1 << 20

  subscript(key: String) -> Value? { values[key] }

  /// The scalar of the first of `keys` that has one.
  func text(_ keys: String...) -> String? {
    for key in keys {
      if case .text(let text)? = values[key] { return text }
    }
    return nil
  }

  private static func value(_ rest: Substring, _ block: [Substring]) -> Value? {
    switch rest.first {
    case nil:
      let items = block.compactMap { line -> String? in
        guard let match = line.wholeMatch(of: /\s*-\s+(.+)/) else { return nil }
        return scalar(withoutComment(match.1))
      }
      if !items.isEmpty { return .list(items) }
      let first = block.first { !$0.isEmpty }
      return first.flatMap { scalar(withoutComment($0)) }.map { .text($0) }
    case ">", "|":
      let lines = block.map { $0.trimmingPrefix(/\s*/) }
      let text = lines.joined(separator: rest.first == ">" ? " " : "\n")
      let end = rest.hasSuffix("-") ? "" : "\n"
      return .text(text.replacing(/\s+$/, with: "") + end)
    case "{", "&", "*", "!": return nil
    default:
      // What goes on in the next lines is one text with blanks between.
      let more = block.filter { !$0.isEmpty }.map { withoutComment($0) }
      let whole = ([rest] + more).joined(separator: " ")
      return rest.first == "[" ? list(whole) : scalar(whole[...]).map { .text($0) }
    }
  }

  /// The items of `[a, "b, c"]`; nil if it does not end there.
  private static func list(_ text: String) -> Value? {
    guard let text = text.wholeMatch(of: /\[(.*)\]\s*/)?.1 else { return nil }
    let items = text.matches(of: /\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]*)\s*(?:,|$)/)
    return .list(items.compactMap { scalar($0.1) })
  }

  /// A plain or quoted scalar; nil for nothing, for null and for a pair of a nested mapping.
  private static func scalar(_ text: Substring) -> String? {
    let text = text.replacing(/^\s+|\s+$/, with: "")
    for quote in ["\"", "'"] where text.count > 1 && text.hasPrefix(quote) && text.hasSuffix(quote)
    {
      let inner = String(text.dropFirst().dropLast())
      return quote == "'"
        ? inner.replacing("''", with: "'")
        : inner.replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
    }
    if text.hasPrefix("\"") || text.hasPrefix("'") { return nil }
    if text.isEmpty || ["~", "null", "Null", "NULL"].contains(text) { return nil }
    if text.contains(/:\s/) || text.hasSuffix(":") { return nil }
    return String(text)
  }

  /// What stands before ` #`, outside quotes.
  private static func withoutComment(_ text: Substring) -> Substring {
    let trimmed = text.trimmingPrefix(/\s*/)
    if trimmed.hasPrefix("#") { return "" }
    if trimmed.hasPrefix("\"") || trimmed.hasPrefix("'") { return trimmed }
    guard let comment = trimmed.firstRange(of: /\s+#/) else { return trimmed }
    return trimmed[..<comment.lowerBound]
  }
}
