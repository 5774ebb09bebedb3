public import GGUF
internal import JSON

/// The type of a value of GGUF metadata as it is typed: `u32`, or `[str]` for an array.
public struct GGUFTypeName: Sendable, Equatable, CustomStringConvertible {
  /// The type of the value, or of an array's elements.
  public let element: GGUFValueType
  /// Whether the value is an array.
  public let isArray: Bool

  /// The names of single values.
  public static let names = GGUFValueType.allCases.filter { $0 != .array }.map(\.name)

  /// The type of that name; nil if there is none.
  public init?(_ text: String) {
    isArray = text.hasPrefix("[") && text.hasSuffix("]") && text.count > 2
    let name = isArray ? String(text.dropFirst().dropLast()) : text
    guard let type = GGUFValueType.allCases.first(where: { $0.name == name }), type != .array
    else { return nil }
    element = type
  }

  /// The type of a value.
  public init(of value: GGUFValue) {
    isArray = value.array != nil
    element = value.array?.elementType ?? value.type
  }

  /// The name.
  public var description: String { isArray ? "[\(element.name)]" : element.name }

  /// Why a text is no value of a type.
  struct Misfit: Error {
    let reason: String
  }

  /// Reads a value of this type: numbers in decimal, `true` or `false`, text as it is; an array is a
  /// JSON list.
  func value(of text: String) throws(Misfit) -> GGUFValue {
    guard isArray else { return try scalar(text) }
    guard case .array(let list)? = try? JSONValue(parsing: Array(text.utf8)) else {
      throw Misfit(reason: "is no JSON list")
    }
    return .array(try array(list))
  }

  private func scalar(_ text: String) throws(Misfit) -> GGUFValue {
    switch element {
    case .uint8: .uint8(try integer(text))
    case .int8: .int8(try integer(text))
    case .uint16: .uint16(try integer(text))
    case .int16: .int16(try integer(text))
    case .uint32: .uint32(try integer(text))
    case .int32: .int32(try integer(text))
    case .uint64: .uint64(try integer(text))
    case .int64: .int64(try integer(text))
    case .float32: .float32(try float(text))
    case .float64: .float64(try float(text))
    case .bool: .bool(try bool(text))
    case .string, .array: .string(try string(text))
    }
  }

  private func array(_ list: [JSONValue]) throws(Misfit) -> GGUFArray {
    switch element {
    case .uint8: GGUFArray(try list.map(integer) as [UInt8])
    case .int8: GGUFArray(try list.map(integer) as [Int8])
    case .uint16: GGUFArray(try list.map(integer) as [UInt16])
    case .int16: GGUFArray(try list.map(integer) as [Int16])
    case .uint32: GGUFArray(try list.map(integer) as [UInt32])
    case .int32: GGUFArray(try list.map(integer) as [Int32])
    case .uint64: GGUFArray(try list.map(integer) as [UInt64])
    case .int64: GGUFArray(try list.map(integer) as [Int64])
    case .float32: GGUFArray(try list.map(float) as [Float])
    case .float64: GGUFArray(try list.map(float) as [Double])
    case .bool: GGUFArray(try list.map(bool))
    case .string, .array: GGUFArray(try list.map(string))
    }
  }

  // MARK: - One value

  private func integer<T: FixedWidthInteger>(_ text: String) throws(Misfit) -> T {
    if let value = T(text) { return value }
    let digits = text.drop { $0 == "-" || $0 == "+" }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw Misfit(reason: "'\(text)' is no whole number")
    }
    throw Misfit(reason: "\(text) is outside the range \(T.min)...\(T.max)")
  }

  private func float<T: BinaryFloatingPoint & LosslessStringConvertible>(_ text: String)
    throws(Misfit) -> T
  {
    // Names of infinities and hexadecimal digits are text of Swift's own.
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = T(text) else {
      throw Misfit(reason: "'\(text)' is no number")
    }
    guard value.isFinite else { throw Misfit(reason: "\(text) is outside the range of the type") }
    return value
  }

  private func bool(_ text: String) throws(Misfit) -> Bool {
    guard let value = Bool(text) else { throw Misfit(reason: "'\(text)' is not true or false") }
    return value
  }

  private func string(_ text: String) throws(Misfit) -> String {
    // llama.cpp takes a value for a C string.
    if text.utf8.contains(0) {
      throw Misfit(reason: "contains a NUL, where llama.cpp would end it")
    }
    return text
  }

  // MARK: - Elements of a list

  private func integer<T: FixedWidthInteger>(_ element: JSONValue) throws(Misfit) -> T {
    try integer(try literal(element))
  }

  private func float<T: BinaryFloatingPoint & LosslessStringConvertible>(_ element: JSONValue)
    throws(Misfit) -> T
  {
    try float(try literal(element))
  }

  private func literal(_ element: JSONValue) throws(Misfit) -> String {
    guard case .number(let literal) = element else { throw unfit(element) }
    return literal
  }

  private func bool(_ element: JSONValue) throws(Misfit) -> Bool {
    guard let value = element.bool else { throw unfit(element) }
    return value
  }

  private func string(_ element: JSONValue) throws(Misfit) -> String {
    guard let text = element.string else { throw unfit(element) }
    return try string(text)
  }

  private func unfit(_ value: JSONValue) -> Misfit {
    Misfit(reason: "the element \(value.text(pretty: false).prefix(60)) is of another type")
  }
}
