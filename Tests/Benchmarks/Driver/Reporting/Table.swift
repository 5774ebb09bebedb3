import Glibc

/// A table on standard output, in Markdown, written row by row as rows are ready.
struct Table {
  private let widths: [Int]

  /// Writes the head of a table.
  ///
  /// - Parameter columns: Titles, and how many characters a column's cells have at most.
  init(_ columns: [(title: String, width: Int)]) {
    widths = columns.map { max($0.width, $0.title.count) }
    add(columns.map(\.title))
    print("|" + widths.map { String(repeating: "-", count: $0 + 2) + "|" }.joined())
  }

  /// Writes a row.
  func add(_ cells: [String]) {
    let padded = zip(cells, widths).map { cell, width in
      " \(cell)\(String(repeating: " ", count: max(0, width - cell.count))) |"
    }
    print("|" + padded.joined())
    fflush(nil)
  }
}

extension Table {
  /// The table of what was measured.
  static func ofOutcomes() -> Table {
    Table([
      ("row", 38), ("ours", 13), ("peer", 18), ("better (spread)", 19), ("aim", 28),
    ])
  }

  /// Writes the row of an outcome.
  func add(_ outcome: Outcome) {
    let ratios = outcome.ratios
    let spread = "(\(digits(ratios.min() ?? 0))-\(digits(ratios.max() ?? 0)))"
    let peer = outcome.peer.isEmpty ? "" : " " + digits(median(outcome.peer))
    add([
      outcome.name, outcome.text(median(outcome.ours)), outcome.peerName + peer,
      ratios.isEmpty ? "-" : "\(digits(median(ratios))) \(spread)",
      outcome.aims.map { outcome.text($0) }.joined(separator: ", "),
    ])
  }

  /// Writes the table of the main job's stages.
  static func show(_ runs: [StageRun]) {
    guard let first = runs.first else { return }
    let stages = first.seconds.map { ("\($0.stage), s", 7) }
    let table = Table(
      [("layers", 6), ("tokens", 6), ("threads", 7)] + stages + [("all, s", 6), ("peak MB", 7)]
    )
    for run in runs {
      let all = run.seconds.reduce(0) { $0 + $1.seconds }
      table.add(
        [String(run.layers), String(run.tokens), String(run.threads)]
          + run.seconds.map { digits($0.seconds) }
          + [digits(all), String(run.peakBytes / 1_000_000)]
      )
    }
  }
}

extension Outcome {
  /// A number with the outcome's unit.
  fileprivate func text(_ value: Double) -> String {
    kind.unit.isEmpty ? digits(value) : "\(digits(value)) \(kind.unit)"
  }

  /// An aim, and what became of it.
  fileprivate func text(_ aim: Aim) -> String {
    let met = meets(aim).map { $0 ? "met" : "missed" } ?? "no peer"
    switch aim {
    case .ratio(let least): return "\(digits(least))x \(met)"
    case .value(let bound): return "\(text(bound)) \(met)"
    }
  }
}

/// Says on standard error what is going on.
func progress(_ text: String) {
  let bytes = Array("bench: \(text)\n".utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}
