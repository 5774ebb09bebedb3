import Glibc

/// The table on standard output, written row by row as rows are ready.
enum Table {
  private static let widths = [38, 14, 22, 20, 26]

  static func head() {
    line(["row", "ours", "peer", "better (spread)", "aim"])
    print(String(repeating: "-", count: widths.reduce(0, +)))
  }

  static func show(_ outcome: Outcome) {
    let unit = outcome.kind.unit
    let ratios = outcome.ratios
    let ratio =
      ratios.isEmpty
      ? "-"
      : "\(digits(median(ratios))) (\(digits(ratios.min() ?? 0))-\(digits(ratios.max() ?? 0)))"
    line([
      outcome.name,
      "\(digits(median(outcome.ours))) \(unit)",
      outcome.peer.isEmpty
        ? outcome.peerName : "\(outcome.peerName) \(digits(median(outcome.peer)))",
      ratio,
      outcome.aims.map { text($0, outcome) }.joined(separator: ", "),
    ])
    if !outcome.note.isEmpty { print("    \(outcome.note)") }
  }

  private static func text(_ aim: Outcome.Aim, _ outcome: Outcome) -> String {
    let met = outcome.meets(aim).map { $0 ? "met" : "missed" } ?? "no peer"
    switch aim {
    case .ratio(let least): return "\(digits(least))x \(met)"
    case .value(let bound): return "\(digits(bound)) \(outcome.kind.unit) \(met)"
    }
  }

  /// Cells of fixed width, the first to the left and the others after it.
  static func line(_ cells: [String], widths: [Int] = Table.widths) {
    var text = ""
    for (cell, width) in zip(cells, widths) {
      text += cell + String(repeating: " ", count: max(1, width - cell.count))
    }
    while text.last == " " { text.removeLast() }
    print(text)
    fflush(nil)
  }
}

/// A number with three digits that count, or all of those before the point.
func digits(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "-" }
  if abs(value) < 0.01 {
    var (exponent, rest) = (0, abs(value))
    while rest < 1 { (exponent, rest) = (exponent + 1, rest * 10) }
    return "\(value < 0 ? "-" : "")\((rest * 10).rounded() / 10)e-\(exponent)"
  }
  let places = abs(value) < 10 ? 2 : abs(value) < 100 ? 1 : 0
  var scale = 1
  for _ in 0..<places { scale *= 10 }
  let whole = Int((abs(value) * Double(scale)).rounded())
  let sign = value < 0 ? "-" : ""
  if places == 0 { return "\(sign)\(whole)" }
  let fraction = String(whole % scale)
  return "\(sign)\(whole / scale)."
    + String(repeating: "0", count: places - fraction.count) + fraction
}
