internal import GGUF
internal import JSON

/// How a model's makers would draw tokens, as `general.sampling.*` says it.
///
/// Source: `gguf-py/gguf/metadata.py`, `Metadata.load`, of generation_config.json.
enum SamplingSettings {
  private enum Kind { case text, whole, number }

  /// Key in generation_config.json, key in GGUF, type.
  private static let table: [(name: String, key: String, kind: Kind)] = [
    ("sequence", "sequence", .text), ("top_k", "top_k", .whole), ("top_p", "top_p", .number),
    ("min_p", "min_p", .number), ("xtc_probability", "xtc_probability", .number),
    ("xtc_threshold", "xtc_threshold", .number), ("temperature", "temp", .number),
    ("penalty_last_n", "penalty_last_n", .whole), ("penalty_repeat", "penalty_repeat", .number),
    ("mirostat", "mirostat", .whole), ("mirostat_tau", "mirostat_tau", .number),
    ("mirostat_eta", "mirostat_eta", .number),
  ]

  /// The keys that `json` leads to, in the converter's order.
  static func keys(_ json: JSONValue) -> [(String, GGUFValue)] {
    table.compactMap { name, key, kind in
      guard let value = json[name] else { return nil }
      let typed: GGUFValue? =
        switch kind {
        case .text: value.string.map { .string($0) }
        case .whole: value.integer.flatMap { Int32(exactly: $0) }.map { .int32($0) }
        case .number: value.double.map { .float32(Float($0)) }
        }
      return typed.map { ("general.sampling.\(key)", $0) }
    }
  }
}
