/// What the name of a model says of it: "Qwen1.5-MoE-A2.7B-Chat" is of the base "Qwen1.5-MoE", of size
/// "A2.7B", tuned for "Chat".
///
/// Source: `gguf-py/gguf/metadata.py`, `Metadata.get_model_id_components`, step for step.
struct ModelNameParts {
  private(set) var organization: String?
  /// The whole name, without the organisation.
  private(set) var name: String
  private(set) var basename: String?
  private(set) var finetune: String?
  private(set) var version: String?
  private(set) var sizeLabel: String?

  private enum Kind { case basename, sizeLabel, finetune, version, type }

  /// Takes a name apart.
  ///
  /// - Parameters:
  ///   - id: `name` or `organisation/name`.
  ///   - parameters: The model's parameters: a size in the name that is far from them is something
  ///     else, as a length of context.
  init(_ id: String, parameters: Int) {
    name = id
    if id.contains(" ") { return }
    if let slash = id.firstIndex(of: "/") {
      let before = String(id[..<slash])
      organization = before.isEmpty || before.hasPrefix(".") ? nil : before
      name = String(id[id.index(after: slash)...])
    }
    var parts = name.split(separator: "-").map(String.init)
    var kinds = [Set<Kind>](repeating: [], count: parts.count)
    for (index, part) in parts.enumerated() {
      if part.wholeMatch(of: /(?i)(v|iter)?\d+([.]\d+)*/) != nil {
        kinds[index].insert(.version)
      } else if part.wholeMatch(of: /(?i)i?q\d(_\w)*|b?fp?(16|32)/) != nil {
        kinds[index].insert(.type)
        parts[index] = part.uppercased()
      } else if index > 0, part.wholeMatch(of: ModelNameParts.size) != nil {
        let (text, isSize) = ModelNameParts.size(of: part, parameters)
        kinds[index].insert(isSize ? .sizeLabel : .finetune)
        parts[index] = text
      } else if index > 0, part.wholeMatch(of: /(?i)chat|instruct|vision|lora/) != nil {
        kinds[index].insert(.finetune)
      }
    }
    let sizes = zip(parts, kinds).filter { $1.contains(.sizeLabel) }.map(\.0)
    if sizes.contains(where: { $0.contains(where: \.isNumber) }) {
      for index in parts.indices where parts[index].allSatisfy(\.isLetter) {
        kinds[index].remove(.sizeLabel)
      }
    }
    ModelNameParts.markBasename(parts, &kinds)
    func joined(_ isWanted: (Set<Kind>) -> Bool) -> String? {
      let text = zip(parts, kinds).filter { isWanted($1) }.map(\.0).joined(separator: "-")
      return text.isEmpty ? nil : text
    }
    var seen: Set<String> = []
    let labels = zip(parts, kinds).filter { $1.contains(.sizeLabel) }.map(\.0)
      .filter { seen.insert($0).inserted }
    sizeLabel = labels.isEmpty ? nil : labels.joined(separator: "-")
    finetune = joined { $0.contains(.finetune) }
    version = joined { $0.contains(.version) && !$0.contains(.basename) }
    // A name of which nothing is recognised is no basename either.
    if sizeLabel != nil || finetune != nil || version != nil {
      basename = joined { $0.contains(.basename) }
    }
  }

  private nonisolated(unsafe) static let size =
    /(?i)((A|\d+x)?\d+([._]\d+)?[KMBT]\d?|small|mini|medium|large|x?xl)/

  /// A size as it is written, and whether it is one.
  private static func size(of part: String, _ parameters: Int) -> (text: String, isSize: Bool) {
    var text = part.replacing("_", with: ".")
    if let last = text.last, last.isNumber {
      // "7b1" is 7.1 B.
      text = text.dropLast(2) + "." + String(last) + String(text.dropLast().last ?? "B")
    }
    let letters = Array(text)
    if letters.count > 1, letters[letters.count - 2].isNumber,
      "kmbt".contains(letters[letters.count - 1])
    {
      text = text.dropLast() + String(letters[letters.count - 1]).uppercased()
    }
    if parameters > 0, let number = Double(text.dropLast()), let unit = text.last,
      let power = Array(" KMBT").firstIndex(of: unit)
    {
      let claimed = number * (0..<power).reduce(1.0) { product, _ in product * 1000 }
      if abs(claimed - Double(parameters)) > Double(7 * parameters / 8) {
        return (text.dropLast() + String(unit).lowercased(), false)
      }
    }
    return (text, true)
  }

  /// The name begins with its base; what comes later and is nothing else is a finetune.
  private static func markBasename(_ parts: [String], _ kinds: inout [Set<Kind>]) {
    var isStart = true
    for index in parts.indices {
      let isPlain = kinds[index].isEmpty
      if isStart,
        (isPlain && parts[index].first?.isLetter ?? false)
          || kinds[index].contains(.version)
      {
        kinds[index].insert(.basename)
      } else {
        isStart = false
        if isPlain { kinds[index].insert(.finetune) }
      }
    }
    for index in parts.indices.reversed() {
      guard kinds[index].contains(.basename), kinds[index].count > 1 else { break }
      kinds[index].remove(.basename)
    }
  }

  /// The name with words for hyphens, small ones capitalised.
  static func title(_ id: String) -> String {
    id.replacing("-", with: " ").split(whereSeparator: \.isWhitespace).map { word in
      let hasCase = word.contains { $0.isLowercase || $0.isUppercase }
      let isLower = hasCase && !word.contains(where: \.isUppercase)
      guard isLower, word.wholeMatch(of: /v\d+(?:\.\d+)*|\d.*/) == nil else { return String(word) }
      var isInside = false
      return String(
        word.flatMap { letter -> String in
          defer { isInside = letter.isLetter }
          return isInside ? letter.lowercased() : letter.uppercased()
        }
      )
    }.joined(separator: " ")
  }
}
