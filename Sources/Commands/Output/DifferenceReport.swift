internal import Conversion
internal import JSON

/// What `diff` prints.
struct DifferenceReport {
  private let difference: ModelDifference

  init(_ difference: ModelDifference) { self.difference = difference }

  // MARK: - JSON

  /// Everything; NaN and infinity are null.
  var json: JSONValue {
    func number(_ value: Double) -> JSONValue { value.isFinite ? JSONValue(value) : .null }
    func names(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
    return [
      "tensors": .array(
        difference.tensors.map { tensor in
          [
            "name": .string(tensor.name), "relativeError": number(tensor.relativeError),
            "maxAbsolute": number(tensor.maxAbsolute),
            "types": [.string(tensor.types.a), .string(tensor.types.b)],
          ]
        }
      ),
      "onlyInA": names(difference.onlyInA), "onlyInB": names(difference.onlyInB),
      "differentShape": mismatches(difference.differentShape) {
        JSONValue.array($0.map { JSONValue($0) })
      },
      "notComparable": mismatches(difference.notComparable) { JSONValue.string($0) },
    ]
  }

  private func mismatches<Value>(
    _ list: [ModelDifference.Mismatch<Value>],
    _ json: (Value) -> JSONValue
  ) -> JSONValue {
    .array(
      list.map {
        ["name": .string($0.name), "a": json($0.found.a), "b": json($0.found.b)]
      }
    )
  }

  // MARK: - Text

  /// The worst tensors, what has no like, and one line that sums up.
  ///
  /// - Parameter limit: Most lines of each list.
  /// - Returns: All of it, without the last line's end.
  func text(limit: Int) -> String {
    var parts: [String] = []
    let worst = difference.tensors.filter(\.differs)
    if !worst.isEmpty {
      var table = TextTable(
        ["tensor", "relative error", "max absolute", "types"],
        leftAligned: [0, 3]
      )
      for tensor in worst.prefix(limit) {
        let (a, b) = (tensor.types.a, tensor.types.b)
        table.add([
          SafeText.shown(tensor.name), SafeText.scientific(tensor.relativeError),
          SafeText.scientific(tensor.maxAbsolute), SafeText.shown(a == b ? a : "\(a) / \(b)"),
        ])
      }
      parts.append(table.text + more(worst.count, limit))
    }
    parts += list("Of different shape:", difference.differentShape, limit) {
      "\($0.name)  \($0.found.a) / \($0.found.b)"
    }
    parts += list("Not comparable:", difference.notComparable, limit) {
      "\($0.name)  \($0.found.a) / \($0.found.b)"
    }
    parts += list("Only in A:", difference.onlyInA, limit) { $0 }
    parts += list("Only in B:", difference.onlyInB, limit) { $0 }
    parts.append(summary)
    return parts.joined(separator: "\n\n")
  }

  private func list<Item>(
    _ title: String,
    _ items: [Item],
    _ limit: Int,
    _ line: (Item) -> String
  ) -> [String] {
    if items.isEmpty { return [] }
    let lines = items.prefix(limit).map { "  " + SafeText.shown(line($0)) }
    return [([title] + lines).joined(separator: "\n") + more(items.count, limit)]
  }

  private func more(_ count: Int, _ limit: Int) -> String {
    count > limit ? "\n  … and \(SafeText.grouped(count - limit)) more" : ""
  }

  private var summary: String {
    let count = difference.tensors.count
    let differing = difference.differingCount
    var words = [
      "\(SafeText.grouped(count)) tensor\(count == 1 ? "" : "s") compared, "
        + (differing == 0 ? "none differs" : "\(SafeText.grouped(differing)) differ")
    ]
    if let worst = difference.tensors.first, worst.differs {
      words[0] += " (worst relative error \(SafeText.scientific(worst.relativeError)))"
    }
    for (number, what) in [
      (difference.differentShape.count, "of different shape"),
      (difference.notComparable.count, "not comparable"),
      (difference.onlyInA.count, "only in A"), (difference.onlyInB.count, "only in B"),
    ] where number > 0 { words.append("\(SafeText.grouped(number)) \(what)") }
    return words.joined(separator: "; ")
  }
}
