extension Array where Element == UInt8 {
  /// The little-endian bytes of an integer.
  public static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    Swift.withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// The little-endian integer that starts at `offset`.
  public func integer<T: FixedWidthInteger>(_ type: T.Type = T.self, at offset: Int) -> T {
    (0..<MemoryLayout<T>.size).reduce(T(0)) { value, place in
      value | T(truncatingIfNeeded: self[offset + place]) << T(8 * place)
    }
  }

  /// Puts a little-endian integer at `offset`.
  public mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
    put([UInt8].littleEndian(value), at: offset)
  }

  /// Puts bytes at `offset`.
  public mutating func put(_ bytes: [UInt8], at offset: Int) {
    replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }
}

/// Where two byte strings first differ; nil if they are equal.
public func firstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int? {
  guard a != b else { return nil }
  return zip(a, b).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    ?? Swift.min(a.count, b.count)
}
