/// A value of GGUF metadata, with the type that the file gives it.
///
/// llama.cpp asks for exact types (a `u64` where it expects a `u32` is an error), so a value keeps
/// its own from file to file.
public enum GGUFValue: Sendable {
  /// `u8`, a whole number from 0 to 255.
  case uint8(UInt8)
  /// `i8`, a whole number from -128 to 127.
  case int8(Int8)
  /// `u16`, a whole number from 0 to 65,535: numbers of splits.
  case uint16(UInt16)
  /// `i16`, a whole number from -32,768 to 32,767.
  case int16(Int16)
  /// `u32`, a whole number from 0 to 2^32 - 1: nearly all sizes and ids.
  case uint32(UInt32)
  /// `i32`, a whole number from -2^31 to 2^31 - 1.
  case int32(Int32)
  /// `f32`, a number in single precision; any bit pattern, not a number included.
  case float32(Float)
  /// A truth value, a byte 0 or 1 in the file.
  case bool(Bool)
  /// Text in UTF-8, its length before it; it may be empty and may contain a NUL.
  case string(String)
  /// Elements of one type, which is not itself an array.
  case array(GGUFArray)
  /// `u64`, a whole number from 0 to 2^64 - 1.
  case uint64(UInt64)
  /// `i64`, a whole number from -2^63 to 2^63 - 1.
  case int64(Int64)
  /// `f64`, a number in double precision; any bit pattern, not a number included.
  case float64(Double)

  /// The value's type.
  public var type: GGUFValueType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }

  // MARK: - What it holds

  /// The whole number, of whatever integer type; nil for other types and past `Int.max`.
  public var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(value)
    default: nil
    }
  }

  /// The floating-point number, of either width; nil for other types.
  public var double: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    default: nil
    }
  }

  /// The truth value; nil for other types.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The text; nil for other types.
  public var string: String? { if case .string(let value) = self { value } else { nil } }

  /// The array; nil for other types.
  public var array: GGUFArray? { if case .array(let value) = self { value } else { nil } }
}

extension GGUFValue: Equatable {
  /// Whether both are written by the same bytes: not a number equals itself, "é" in one code point
  /// does not equal "é" in two.
  public static func == (a: GGUFValue, b: GGUFValue) -> Bool {
    switch (a, b) {
    case (.float32(let a), .float32(let b)): a.bitPattern == b.bitPattern
    case (.float64(let a), .float64(let b)): a.bitPattern == b.bitPattern
    case (.bool(let a), .bool(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a == b
    // Other types are integers; past Int.max are only those of 64 bits without a sign.
    case (.uint64(let a), .uint64(let b)): a == b
    default: a.type == b.type && a.integer != nil && a.integer == b.integer
    }
  }
}
