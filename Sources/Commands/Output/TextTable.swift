/// Columns of text, the first left-aligned and the rest right-aligned unless said otherwise.
struct TextTable {
  private let headings: [String]
  private let leftAligned: Set<Int>
  private var rows: [[String]] = []

  init(_ headings: [String], leftAligned: Set<Int> = [0]) {
    self.headings = headings
    self.leftAligned = leftAligned
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// Headings and rows.
  var cells: [[String]] { [headings] + rows }

  /// The table as lines of text.
  var text: String {
    let all = [headings] + rows
    let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return leftAligned.contains(column) ? row[column] + padding : padding + row[column]
      }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }

  /// The table in Markdown.
  var markdown: String {
    let rule = headings.indices.map { leftAligned.contains($0) ? "---" : "---:" }
    return ([headings, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
      .joined(separator: "\n")
  }
}
