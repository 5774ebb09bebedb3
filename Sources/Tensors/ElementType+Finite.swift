extension ElementType {
  /// The first element that is infinite or no number, or nil; types without such values have none.
  ///
  /// Stored bits are looked at, nothing is converted, so that bytes which are only copied can be
  /// checked on their way.
  ///
  /// - Parameters:
  ///   - bytes: Whole elements of a tensor of this type, unaligned; of a block type, any even number
  ///     of bytes.
  ///   - offset: Where in the tensor they start.
  /// - Returns: The element's number in the tensor, counted in storage order.
  public func firstNonFinite(in bytes: UnsafeRawBufferPointer, at offset: Int = 0) -> Int? {
    func first<Word: FixedWidthInteger & UnsignedInteger>(_ exponent: Word, parts: Int = 1) -> Int?
    {
      firstWord(of: bytes) { $0 & exponent == exponent }.map {
        (offset / MemoryLayout<Word>.size + $0) / parts
      }
    }
    return switch self {
    case .f64: first(UInt64(0x7FF0_0000_0000_0000))
    case .f32: first(UInt32(0x7F80_0000))
    case .c64: first(UInt32(0x7F80_0000), parts: 2)
    case .bf16: first(UInt16(0x7F80))
    case .f16: first(UInt16(0x7C00))
    case .f8E5M2: first(UInt8(0x7C))
    case .f8E4M3: first(UInt8(0x7F))
    case .f8E8M0: first(UInt8(0xFF))
    case .f8E4M3FNUZ, .f8E5M2FNUZ:
      firstWord(of: bytes) { (byte: UInt8) in byte == 0x80 }.map { offset + $0 }
    case .q8_0: firstScale(in: bytes, at: offset).map { $0 * Q8_0.elements }
    default: nil
    }
  }

  /// The first block whose half-precision scale is infinite or no number.
  private func firstScale(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Int? {
    let start = (offset + Q8_0.bytes - 1) / Q8_0.bytes * Q8_0.bytes
    // A scale is never cut in two, since blocks and pieces have even lengths.
    return stride(from: start, to: offset + bytes.count - 1, by: Q8_0.bytes).first { place in
      let scale = bytes.loadUnaligned(fromByteOffset: place - offset, as: UInt16.self)
      return UInt16(littleEndian: scale) & 0x7C00 == 0x7C00
    }.map { $0 / Q8_0.bytes }
  }
}

/// The number of the first word that `isWanted`, or nil.
///
/// Blocks are passed over whole, in a loop without branches.
@inline(__always)
private func firstWord<Word: FixedWidthInteger & UnsignedInteger>(
  of bytes: UnsafeRawBufferPointer,
  _ isWanted: (Word) -> Bool
) -> Int? {
  let size = MemoryLayout<Word>.size
  let count = bytes.count / size
  for start in stride(from: 0, to: count, by: 4096) {
    let block = start..<min(start + 4096, count)
    var found = false
    for word in block {
      let value = bytes.loadUnaligned(fromByteOffset: word * size, as: Word.self)
      found = isWanted(Word(littleEndian: value)) || found
    }
    guard found else { continue }
    return block.first { word in
      isWanted(
        Word(littleEndian: bytes.loadUnaligned(fromByteOffset: word * size, as: Word.self))
      )
    }
  }
  return nil
}
