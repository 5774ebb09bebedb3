/// The members of a JSON object in the order of the text, found by key.
public struct JSONObject: Equatable, Sendable {
  /// Keys in order.
  public private(set) var keys: [String] = []
  private var values: [JSONValue] = []
  private var places: [UTF8Key: Int] = [:]

  /// An empty object.
  public init() {}

  /// An object of `members`; nil if two keys are equal.
  public init?(_ members: [(key: String, value: JSONValue)]) {
    keys.reserveCapacity(members.count)
    values.reserveCapacity(members.count)
    places.reserveCapacity(members.count)
    for (key, value) in members {
      guard places.updateValue(keys.count, forKey: UTF8Key(key)) == nil else { return nil }
      keys.append(key)
      values.append(value)
    }
  }

  /// The value of `key`; setting nil removes it, setting a new key appends it.
  public subscript(key: String) -> JSONValue? {
    get { places[UTF8Key(key)].map { values[$0] } }
    set {
      if let place = places[UTF8Key(key)] {
        if let newValue {
          values[place] = newValue
        } else {
          keys.remove(at: place)
          values.remove(at: place)
          places = Dictionary(uniqueKeysWithValues: zip(keys.map(UTF8Key.init), keys.indices))
        }
      } else if let newValue {
        places[UTF8Key(key)] = keys.count
        keys.append(key)
        values.append(newValue)
      }
    }
  }

  /// Key and value pairs in order.
  public var members: Zip2Sequence<[String], [JSONValue]> { zip(keys, values) }

  /// Number of members.
  public var count: Int { keys.count }

  /// Two objects are equal if they hold equal members in the same order, keys compared by bytes.
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.keys.elementsEqual(b.keys) { $0.utf8.elementsEqual($1.utf8) } && a.values == b.values
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object; the last of equal keys stays.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }
}
