extension JSONValue {
  /// The document as text: pretty with two spaces (as transformers writes), or on one line.
  ///
  /// Arrays of numbers stay on one line in either form, so that long tables remain readable.
  public func text(pretty: Bool) -> String {
    var out = ""
    write(to: &out, pretty: pretty, indentation: 0)
    return out
  }

  private func write(to out: inout String, pretty: Bool, indentation: Int) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .number(let literal): out += literal
    case .string(let value): JSONValue.write(value, to: &out)
    case .array(let elements):
      let isFlat = !pretty || elements.allSatisfy(\.isNumberOrNull)
      JSONValue.writeList(
        elements,
        open: "[",
        close: "]",
        flat: isFlat,
        pretty: pretty,
        indentation,
        to: &out
      ) { element, out in
        element.write(to: &out, pretty: pretty, indentation: indentation + 1)
      }
    case .object(let object):
      JSONValue.writeList(
        Array(object.members),
        open: "{",
        close: "}",
        flat: !pretty,
        pretty: pretty,
        indentation,
        to: &out
      ) { member, out in
        JSONValue.write(member.0, to: &out)
        out += pretty ? ": " : ":"
        member.1.write(to: &out, pretty: pretty, indentation: indentation + 1)
      }
    }
  }

  private var isNumberOrNull: Bool {
    switch self {
    case .number, .null: true
    default: false
    }
  }

  private static func writeList<Item>(
    _ items: [Item],
    open: String,
    close: String,
    flat: Bool,
    pretty: Bool,
    _ indentation: Int,
    to out: inout String,
    _ writeItem: (Item, inout String) -> Void
  ) {
    out += open
    for (index, item) in items.enumerated() {
      if index > 0 { out += flat && pretty ? ", " : "," }
      if !flat { out += "\n" + String(repeating: "  ", count: indentation + 1) }
      writeItem(item, &out)
    }
    if !flat && !items.isEmpty { out += "\n" + String(repeating: "  ", count: indentation) }
    out += close
  }

  /// Control characters are escaped, and so is what turns the direction of text or ends a line, so that
  /// a name from a file does no harm to whoever looks at the document.
  private static func write(_ string: String, to out: inout String) {
    out += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{61C}", "\u{200E}", "\u{200F}",
        "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
