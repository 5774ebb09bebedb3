/// An array of GGUF metadata: values of one type that is not itself an array.
///
/// A vocabulary has a hundred thousand strings, so they are kept as bytes behind each other: a
/// string costs its bytes and four more, a number what it takes in the file.
public struct GGUFArray: Sendable, Equatable {
  /// The type of every element.
  public let elementType: GGUFValueType
  /// How many there are.
  public let count: Int
  /// Numbers little-endian, or the bytes of all strings.
  let bytes: [UInt8]
  /// Where each string ends in `bytes`; empty for numbers.
  private let ends: [UInt32]

  /// Numbers or truth values as they stand in a file; truth values were checked.
  init(_ elementType: GGUFValueType, numbers: [UInt8]) {
    self.elementType = elementType
    count = numbers.count / (elementType.byteCount ?? 1)
    bytes = numbers
    ends = []
  }

  /// Strings whose bytes were checked.
  init(text: [UInt8], ends: [UInt32]) {
    elementType = .string
    count = ends.count
    bytes = text
    self.ends = ends
  }
}

// MARK: - Making one

extension GGUFArray {
  /// An array of strings.
  ///
  /// - Parameter strings: Its elements, of less than 4 GiB together.
  public init(_ strings: some Sequence<String>) {
    var text: [UInt8] = []
    var ends: [UInt32] = []
    for string in strings {
      text += string.utf8
      ends.append(UInt32(text.count))
    }
    self.init(text: text, ends: ends)
  }

  /// An array of truth values.
  public init(_ values: some Sequence<Bool>) {
    self.init(.bool, numbers: values.map { $0 ? 1 : 0 })
  }

  /// An array of `f32`.
  public init(_ values: some Sequence<Float>) {
    self.init(.float32, numbers: GGUFArray.littleEndian(values.map(\.bitPattern)))
  }

  /// An array of `f64`.
  public init(_ values: some Sequence<Double>) {
    self.init(.float64, numbers: GGUFArray.littleEndian(values.map(\.bitPattern)))
  }

  /// An array of `u8`.
  public init(_ values: some Sequence<UInt8>) { self.init(.uint8, numbers: Array(values)) }

  /// An array of `i8`.
  public init(_ values: some Sequence<Int8>) {
    self.init(.int8, numbers: values.map { UInt8(bitPattern: $0) })
  }

  /// An array of `u16`.
  public init(_ values: some Sequence<UInt16>) {
    self.init(.uint16, numbers: GGUFArray.littleEndian(values))
  }

  /// An array of `i16`.
  public init(_ values: some Sequence<Int16>) {
    self.init(.int16, numbers: GGUFArray.littleEndian(values))
  }

  /// An array of `u32`.
  public init(_ values: some Sequence<UInt32>) {
    self.init(.uint32, numbers: GGUFArray.littleEndian(values))
  }

  /// An array of `i32`.
  public init(_ values: some Sequence<Int32>) {
    self.init(.int32, numbers: GGUFArray.littleEndian(values))
  }

  /// An array of `u64`.
  public init(_ values: some Sequence<UInt64>) {
    self.init(.uint64, numbers: GGUFArray.littleEndian(values))
  }

  /// An array of `i64`.
  public init(_ values: some Sequence<Int64>) {
    self.init(.int64, numbers: GGUFArray.littleEndian(values))
  }

  private static func littleEndian<T: FixedWidthInteger>(_ values: some Sequence<T>) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in values { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    return bytes
  }
}

// MARK: - Elements

extension GGUFArray: RandomAccessCollection {
  /// The place of the first element.
  public var startIndex: Int { 0 }
  /// The place behind the last element.
  public var endIndex: Int { count }

  /// The element at `index`.
  public subscript(index: Int) -> GGUFValue {
    switch elementType {
    case .uint8: .uint8(number(index))
    case .int8: .int8(number(index))
    case .uint16: .uint16(number(index))
    case .int16: .int16(number(index))
    case .uint32: .uint32(number(index))
    case .int32: .int32(number(index))
    case .float32: .float32(Float(bitPattern: number(index)))
    case .bool: .bool(number(index, as: UInt8.self) != 0)
    case .string, .array: .string(String(decoding: utf8(at: index), as: UTF8.self))
    case .uint64: .uint64(number(index))
    case .int64: .int64(number(index))
    case .float64: .float64(Double(bitPattern: number(index)))
    }
  }

  /// The bytes of the string at `index`.
  public func utf8(at index: Int) -> ArraySlice<UInt8> {
    precondition(elementType == .string)
    return bytes[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
  }

  /// Bytes of the longest string; 0 for other types.
  var longestString: Int {
    var (start, longest) = (0, 0)
    for end in ends {
      longest = Swift.max(longest, Int(end) - start)
      start = Int(end)
    }
    return longest
  }

  private func number<T: FixedWidthInteger>(_ index: Int, as type: T.Type = T.self) -> T {
    let size = MemoryLayout<T>.size
    precondition(index >= 0 && index < count)
    return bytes.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: size * index, as: T.self))
    }
  }

  /// All elements as text; nil if they are of another type.
  public var strings: [String]? {
    elementType == .string
      ? indices.map { String(decoding: utf8(at: $0), as: UTF8.self) } : nil
  }

  /// All elements as whole numbers, of whatever integer type; nil if they are of another type or one
  /// is past `Int.max`.
  public var integers: [Int]? {
    var values: [Int] = []
    values.reserveCapacity(count)
    switch elementType {
    case .float32, .float64, .bool, .string, .array: return nil
    default:
      for element in self {
        guard let value = element.integer else { return nil }
        values.append(value)
      }
    }
    return values
  }

  /// All elements of an array of `f32`; nil if they are of another type.
  public var floats: [Float]? {
    elementType == .float32 ? indices.map { Float(bitPattern: number($0)) } : nil
  }

  /// All truth values; nil if the elements are of another type.
  public var bools: [Bool]? { elementType == .bool ? bytes.map { $0 != 0 } : nil }
}
