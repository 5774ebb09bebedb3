/// A JSON document in memory, keys in their order.
public enum JSONValue: Equatable, Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number by its literal, so that nothing is rounded.
  case number(String)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object.
  case object(JSONObject)

  /// Parses a whole document; equal keys in one object are refused.
  public init(parsing text: [UInt8], depthLimit: Int = 64) throws {
    var scanner = JSONScanner(text, depthLimit: depthLimit)
    self = try JSONValue(&scanner)
    try scanner.finish()
  }

  /// Reads the next value of `scanner`.
  public init(_ scanner: inout JSONScanner) throws {
    switch scanner.peek() {
    case UInt8(ascii: "{"):
      var members: [(key: String, value: JSONValue)] = []
      try scanner.object { scanner, key in
        members.append((key, try JSONValue(&scanner)))
      }
      guard let object = JSONObject(members) else {
        throw scanner.failure("no key twice in one object")
      }
      self = .object(object)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try scanner.array { scanner in elements.append(try JSONValue(&scanner)) }
      self = .array(elements)
    case UInt8(ascii: "\""): self = .string(try scanner.string())
    case UInt8(ascii: "t"), UInt8(ascii: "f"): self = .bool(try scanner.bool())
    case UInt8(ascii: "n"):
      guard scanner.takeNull() else { throw scanner.failure("a value") }
      self = .null
    default: self = .number(try scanner.number())
    }
  }

  // MARK: - Looking inside

  /// The member of an object, or nil where this is no object or has no such key.
  public subscript(key: String) -> JSONValue? {
    if case .object(let object) = self { object[key] } else { nil }
  }

  /// The string, if it is one.
  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The whole number, if it is one that fits; `1e3` and `4.0` count, as Python reads them.
  public var integer: Int? {
    guard case .number(let literal) = self else { return nil }
    return Int(literal) ?? Double(literal).flatMap { Int(exactly: $0) }
  }

  /// The number, if it is one.
  public var double: Double? {
    if case .number(let literal) = self { Double(literal) } else { nil }
  }

  /// The truth value, if it is one.
  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The elements, if it is an array.
  public var array: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  /// The members, if it is an object.
  public var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// Whether this is `null`.
  public var isNull: Bool { self == .null }

  /// Two values are equal if they were written the same; strings compare by their bytes.
  public static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self = .number(String(value)) }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object; the last of equal keys stays.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
  /// `null`.
  public init(nilLiteral: ()) { self = .null }

  /// A whole number.
  public init(_ value: Int) { self = .number(String(value)) }
  /// A number; `null` where it is not finite.
  public init(_ value: Double) { self = value.isFinite ? .number("\(value)") : .null }
  /// A string, or `null`.
  public init(_ value: String?) { self = value.map { .string($0) } ?? .null }
  /// An array of whole numbers.
  public init(_ values: [Int]) { self = .array(values.map { JSONValue($0) }) }
  /// An array of numbers.
  public init(_ values: [Double]) { self = .array(values.map { JSONValue($0) }) }
}
