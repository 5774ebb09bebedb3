internal import GGUF
internal import JSON

extension GGUFValue {
  /// The value as `inspect --json` shows it: long arrays, as a vocabulary is, by type and length.
  var json: JSONValue {
    switch self {
    case .bool(let value): .bool(value)
    case .string(let value): .string(value)
    case .uint64(let value): .number("\(value)")
    case .float32(let value): value.isFinite ? .number("\(value)") : .null
    case .float64(let value): JSONValue(value)
    case .array(let array) where array.count <= GGUFValue.shownElements:
      .array(array.map(\.json))
    case .array(let array):
      ["type": .string(array.elementType.name), "count": JSONValue(array.count)]
    default: JSONValue(integer ?? 0)
    }
  }

  private static let shownElements = 64
}
