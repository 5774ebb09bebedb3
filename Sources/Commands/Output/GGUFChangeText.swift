internal import Conversion
internal import GGUF
internal import JSON

extension GGUFValue {
  /// Most elements of an array that are shown; a vocabulary has a hundred thousand.
  private static let shownElements = 64

  /// The value for scripts: arrays of many elements by type and count only, numbers that are not
  /// finite as null.
  var json: JSONValue {
    switch self {
    case .string(let text): .string(text)
    case .bool(let value): .bool(value)
    case .float32(let value): value.isFinite ? .number("\(value)") : .null
    case .float64(let value): JSONValue(value)
    case .uint64(let value): .number(String(value))
    case .array(let array):
      array.count <= GGUFValue.shownElements
        ? .array(array.map(\.json))
        : ["type": .string("\(GGUFTypeName(of: self))"), "count": JSONValue(array.count)]
    case .uint8, .int8, .uint16, .int16, .uint32, .int32, .int64: JSONValue(integer ?? 0)
    }
  }

  /// The value for people, on one line.
  var text: String {
    if case .array(let array) = self, array.count > GGUFValue.shownElements {
      return "\(array.count) of \(array.elementType.name)"
    }
    return SafeText.shown(json.text(pretty: false), limit: 80)
  }
}

extension GGUFMetadataChange {
  /// The change for scripts.
  var json: JSONValue {
    switch kind {
    case .set(let from, let to):
      [
        "key": .string(key), "change": "set", "from": from?.json ?? .null, "to": to.json,
        "type": .string("\(GGUFTypeName(of: to))"),
      ]
    case .removed(let value):
      ["key": .string(key), "change": "removed", "from": value.json, "to": .null]
    case .renamed(let name):
      ["key": .string(key), "change": "renamed", "from": .string(key), "to": .string(name)]
    }
  }

  /// The change for people.
  var text: String {
    let name = SafeText.shown(key, limit: 80)
    return switch kind {
    case .set(nil, let to): "\(name): \(to.text), new, \(GGUFTypeName(of: to))"
    case .set(let from?, let to): "\(name): \(to.text), was \(from.text)"
    case .removed(let value): "\(name): removed, was \(value.text)"
    case .renamed(let new): "\(name): renamed to \(SafeText.shown(new, limit: 80))"
    }
  }
}
