/// Reads the start of a file from front to back, never past its end, and refuses by place.
///
/// A declared length is compared with the bytes left before anything is made of it.
struct GGUFCursor {
  private let file: GGUFHeaderBytes
  /// Where reading must stop: the end of the file, or the most that may stand before the data.
  private let end: Int
  /// Offset of the next byte.
  private(set) var position = 0
  private var window: [UInt8] = []
  private var windowStart = 0

  private static let windowBytes = 256 << 10

  init(_ file: GGUFHeaderBytes) {
    self.file = file
    end = min(file.byteCount, GGUFLimits.headerBytes)
  }

  /// Bytes that may still be read.
  var remaining: Int { end - position }

  /// Refuses `count` bytes that are not there.
  func need(_ count: UInt64, _ place: @autoclosure () -> String) throws(GGUFError) {
    guard count > UInt64(remaining) else { return }
    guard end == file.byteCount else {
      throw .headerTooLarge(file: file.path, limit: GGUFLimits.headerBytes)
    }
    throw .pastEnd(
      file: file.path,
      offset: position,
      place: place(),
      needed: count,
      available: remaining
    )
  }

  /// Refuses a number over a limit.
  func limit(_ claimed: UInt64, to limit: Int, at offset: Int, _ place: @autoclosure () -> String)
    throws(GGUFError)
  {
    guard claimed > UInt64(limit) else { return }
    throw .overLimit(
      file: file.path,
      offset: offset,
      place: place(),
      claimed: claimed,
      limit: limit
    )
  }

  /// Reads a little-endian integer.
  mutating func integer<T: FixedWidthInteger>(
    _ place: @autoclosure () -> String,
    as type: T.Type = T.self
  ) throws -> T {
    let size = MemoryLayout<T>.size
    try need(UInt64(size), place())
    try load(size)
    defer { position += size }
    return window.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: position - windowStart, as: T.self))
    }
  }

  /// Reads `count` bytes, which were found to be there.
  mutating func bytes(_ count: Int) throws -> [UInt8] {
    defer { position += count }
    return try file.bytes(position..<position + count)
  }

  /// Reads the length of a string and its bytes, adds the bytes to `text` and checks that they are
  /// UTF-8.
  mutating func string(
    limit: Int = GGUFLimits.stringBytes,
    into text: inout [UInt8],
    _ place: @autoclosure () -> String
  ) throws {
    let start = position
    let length: UInt64 = try integer(place())
    try self.limit(length, to: limit, at: start, "the bytes of \(place())")
    try need(length, place())
    var count = Int(length)
    let first = text.count
    while count > 0 {
      let piece = min(count, GGUFCursor.windowBytes)
      try load(piece)
      text += window[(position - windowStart)..<(position - windowStart + piece)]
      position += piece
      count -= piece
    }
    guard GGUFCursor.isUTF8(text[first...]) else {
      throw GGUFError.invalidUTF8(file: file.path, offset: start + 8, place: place())
    }
  }

  /// Reads a string.
  mutating func string(
    limit: Int = GGUFLimits.stringBytes,
    _ place: @autoclosure () -> String
  ) throws -> String {
    var text: [UInt8] = []
    try string(limit: limit, into: &text, place())
    return String(decoding: text, as: UTF8.self)
  }

  private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
  }

  /// Has the next `count` bytes in the window.
  private mutating func load(_ count: Int) throws {
    guard position + count > windowStart + window.count || position < windowStart else { return }
    let length = min(max(count, GGUFCursor.windowBytes), end - position)
    window = try file.bytes(position..<position + length)
    windowStart = position
  }
}
