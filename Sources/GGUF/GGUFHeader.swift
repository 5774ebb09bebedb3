internal import JSON
internal import Storage
public import SystemPackage
public import Tensors

/// What stands before the data of a GGUF file, checked against every rule of the format.
///
/// What holds once it is made: keys and names are unique, sizes equal shape times type (where the
/// type is known), and every tensor has bytes of its own within the file. See Formats/gguf.md.
public struct GGUFHeader: Sendable {
  /// The format's version, 2 or 3.
  public let version: Int
  /// What every tensor starts at a multiple of.
  public let alignment: Int
  /// Keys and values, in order.
  public let metadata: GGUFMetadata
  /// Tensors in the order of the header, ranges counted from the start of the file.
  ///
  /// Of a tensor whose type has no known size the range reaches to what follows, and no byte of it
  /// can be read.
  public let tensors: [TensorDescriptor]
  /// Where the list of tensors ends.
  public let listEnd: Int
  /// Where the data starts: the end of the list, aligned.
  public let dataStart: Int
  /// Things that are odd but do no harm.
  public let warnings: [String]

  /// The places in `tensors` of those whose type has no known size.
  let unreadable: Set<Int>

  /// Reads and checks the header of `file`.
  init(reading file: MappedFile, fileIndex: Int) throws {
    try self.init(GGUFHeaderBytes(file), fileIndex: fileIndex)
  }

  /// Reads and checks a header whose data is not at hand.
  ///
  /// - Parameters:
  ///   - text: All bytes before the data.
  ///   - file: Where they come from, for errors.
  /// - Throws: ``GGUFError`` if they break a rule of the format.
  public init(text: [UInt8], file: FilePath) throws {
    try self.init(GGUFHeaderBytes(text, path: file), fileIndex: 0)
  }

  private init(_ file: GGUFHeaderBytes, fileIndex: Int) throws {
    let path = file.path
    var cursor = GGUFCursor(file)
    version = try GGUFHeader.readStart(&cursor, file)
    let tensorCount = try GGUFHeader.readCount(
      &cursor,
      "number of tensors",
      limit: GGUFLimits.tensors,
      // An empty name, no axes, type and offset.
      smallest: 24
    )
    let keyCount = try GGUFHeader.readCount(
      &cursor,
      "number of keys",
      limit: GGUFLimits.keys,
      // A key of one byte, its type, a value of one byte.
      smallest: 14
    )
    metadata = try GGUFHeader.readMetadata(&cursor, count: keyCount, path)
    alignment = try GGUFHeader.alignment(of: metadata, path)
    var list = GGUFTensorList(file: path, fileIndex: fileIndex)
    try list.read(&cursor, count: tensorCount)
    listEnd = cursor.position
    dataStart = aligned(listEnd, to: alignment)
    let placed = try list.place(
      dataStart: dataStart,
      alignment: alignment,
      byteCount: file.fileByteCount
    )
    tensors = placed.tensors
    unreadable = placed.unreadable
    warnings = placed.warnings
  }

  private static func readStart(_ cursor: inout GGUFCursor, _ file: GGUFHeaderBytes) throws -> Int {
    let start = try file.bytes(0..<min(8, file.byteCount))
    if start.elementsEqual("version ".utf8) { throw GGUFError.lfsPointer(file: file.path) }
    guard start.starts(with: "GGUF".utf8) else {
      throw GGUFError.notGGUF(file: file.path, start: Array(start.prefix(4)))
    }
    _ = try cursor.integer("the magic", as: UInt32.self)
    let version: UInt32 = try cursor.integer("the version")
    // There is no mark of the byte order; no version has been so large that this would be one.
    if version != 0, version & 0xFFFF == 0 {
      throw GGUFError.bigEndian(file: file.path, version: version.byteSwapped)
    }
    guard version == 2 || version == 3 else {
      throw GGUFError.unsupportedVersion(file: file.path, version: version)
    }
    return Int(version)
  }

  /// Reads a number of things that take `smallest` bytes at least.
  private static func readCount(
    _ cursor: inout GGUFCursor,
    _ what: String,
    limit: Int,
    smallest: Int
  ) throws -> Int {
    let offset = cursor.position
    // Written as a signed number by some; a negative one is over the limit as well.
    let count: UInt64 = try cursor.integer("the \(what)")
    try cursor.limit(count, to: limit, at: offset, "the \(what)")
    try cursor.need(count * UInt64(smallest), "a \(what) of \(count)")
    return Int(count)
  }

  // MARK: - Metadata

  private static func readMetadata(_ cursor: inout GGUFCursor, count: Int, _ file: FilePath) throws
    -> GGUFMetadata
  {
    var metadata = GGUFMetadata()
    for number in 0..<count {
      let start = cursor.position
      let key = try cursor.string(limit: GGUFLimits.keyBytes, "key \(number + 1)")
      if let reason = GGUFHeader.flaw(inKey: key) {
        throw GGUFError.invalidName(
          file: file,
          offset: start,
          place: "key \(number + 1)",
          reason: reason
        )
      }
      let value = try readValue(&cursor, key, file)
      guard metadata.append(key, value) else {
        throw GGUFError.duplicateKey(file: file, offset: start, key: key)
      }
    }
    return metadata
  }

  /// Why a text is no key; nil if it is one.
  static func flaw(inKey key: String) -> String? {
    if key.isEmpty { return "is empty" }
    // C programs would take it for a shorter one.
    return key.utf8.contains(0) ? "contains a NUL" : nil
  }

  private static func readValue(_ cursor: inout GGUFCursor, _ key: String, _ file: FilePath) throws
    -> GGUFValue
  {
    let type = try readType(&cursor, "the value of '\(key)'", file)
    let start = cursor.position
    func number<T: FixedWidthInteger>(_ type: T.Type = T.self) throws -> T {
      try cursor.integer("the value of '\(key)'")
    }
    switch type {
    case .uint8: return .uint8(try number())
    case .int8: return .int8(try number())
    case .uint16: return .uint16(try number())
    case .int16: return .int16(try number())
    case .uint32: return .uint32(try number())
    case .int32: return .int32(try number())
    case .uint64: return .uint64(try number())
    case .int64: return .int64(try number())
    case .float32: return .float32(Float(bitPattern: try number()))
    case .float64: return .float64(Double(bitPattern: try number()))
    case .bool:
      let value: UInt8 = try number()
      guard value <= 1 else {
        throw GGUFError.invalidBool(
          file: file,
          offset: start,
          place: "the value of '\(key)'",
          value: value
        )
      }
      return .bool(value == 1)
    case .string: return .string(try cursor.string("the value of '\(key)'"))
    case .array: return .array(try readArray(&cursor, key, file))
    }
  }

  private static func readType(_ cursor: inout GGUFCursor, _ place: String, _ file: FilePath) throws
    -> GGUFValueType
  {
    let start = cursor.position
    let number: UInt32 = try cursor.integer("the type of \(place)")
    guard let type = GGUFValueType(rawValue: number) else {
      throw GGUFError.unknownValueType(file: file, offset: start, place: place, type: number)
    }
    return type
  }

  private static func readArray(_ cursor: inout GGUFCursor, _ key: String, _ file: FilePath) throws
    -> GGUFArray
  {
    let start = cursor.position
    let type = try readType(&cursor, "an element of '\(key)'", file)
    if type == .array { throw GGUFError.nestedArray(file: file, offset: start, key: key) }
    let offset = cursor.position
    let claimed: UInt64 = try cursor.integer("the length of '\(key)'")
    try cursor.limit(
      claimed,
      to: GGUFLimits.arrayElements,
      at: offset,
      "the elements of '\(key)'"
    )
    // A string takes eight bytes for its length at least.
    let size = type.byteCount ?? 8
    try cursor.need(claimed * UInt64(size), "the elements of '\(key)'")
    let count = Int(claimed)
    guard type == .string else {
      let first = cursor.position
      let numbers = try cursor.bytes(count * size)
      if type == .bool, let odd = numbers.firstIndex(where: { $0 > 1 }) {
        throw GGUFError.invalidBool(
          file: file,
          offset: first + odd,
          place: "element \(odd) of '\(key)'",
          value: numbers[odd]
        )
      }
      return GGUFArray(type, numbers: numbers)
    }
    var text: [UInt8] = []
    var ends: [UInt32] = []
    ends.reserveCapacity(count)
    for number in 0..<count {
      try cursor.string(into: &text, "element \(number) of '\(key)'")
      // All that stands before the data has at most 1 GiB.
      ends.append(UInt32(text.count))
    }
    // An array that grew has up to twice the room it needs.
    return GGUFArray(text: text.withUnsafeBufferPointer { Array($0) }, ends: ends)
  }

  /// The alignment that a file's keys ask for.
  static func alignment(of metadata: GGUFMetadata, _ file: FilePath) throws(GGUFError)
    -> Int
  {
    guard let value = metadata[GGUFKey.alignment] else { return GGUFLimits.defaultAlignment }
    guard case .uint32(let alignment) = value else {
      throw .wrongKeyType(
        file: file,
        key: GGUFKey.alignment,
        expected: GGUFValueType.uint32.name,
        got: value.type.name
      )
    }
    guard GGUFLimits.alignments.contains(Int(alignment)), alignment.nonzeroBitCount == 1 else {
      throw .invalidAlignment(file: file, value: alignment)
    }
    return Int(alignment)
  }
}
