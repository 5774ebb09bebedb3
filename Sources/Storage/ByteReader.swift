/// A cursor over little-endian bytes that knows what is left; every read is checked and may be
/// unaligned.
public struct ByteReader {
  /// The bytes end before the value asked for.
  public struct Truncated: Error, Equatable, CustomStringConvertible {
    /// Where the value would have started.
    public let offset: Int
    /// Bytes it needs.
    public let needed: Int
    /// Bytes left.
    public let available: Int

    /// What was missing.
    public var description: String {
      "byte \(offset): \(needed) bytes expected, \(available) left"
    }
  }

  private let bytes: [UInt8]
  /// Offset of the next byte.
  public private(set) var position: Int

  /// A cursor at the start of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = 0
  }

  /// Bytes not read yet.
  public var remaining: Int { bytes.count - position }

  /// Reads a little-endian integer.
  public mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(Truncated) -> T
  {
    let size = MemoryLayout<T>.size
    try need(size)
    let value = bytes.withUnsafeBytes { unsafe in
      unsafe.loadUnaligned(fromByteOffset: position, as: T.self)
    }
    position += size
    return T(littleEndian: value)
  }

  /// Reads `count` bytes.
  public mutating func take(_ count: Int) throws(Truncated) -> ArraySlice<UInt8> {
    try need(count)
    defer { position += count }
    return bytes[position..<position + count]
  }

  private func need(_ count: Int) throws(Truncated) {
    if count < 0 || count > remaining {
      throw Truncated(offset: position, needed: count, available: remaining)
    }
  }
}
