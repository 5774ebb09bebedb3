internal import CKernels

extension ElementType {
  /// The first element that is infinite or no number, or nil; types without such values have none.
  ///
  /// Stored bits are looked at, nothing is converted, so that bytes which are only copied can be
  /// checked on their way. Of block types only the scales are looked at: no level times a finite
  /// half-precision scale leaves Float32. An exponent of MXFP4 counts as infinite if its largest
  /// number does.
  ///
  /// - Parameters:
  ///   - bytes: Whole elements of a tensor of this type, unaligned; of a block type, any part that
  ///     starts and ends at a multiple of 8 bytes or between blocks.
  ///   - offset: Where in the tensor they start.
  /// - Returns: The element's number in the tensor, counted in storage order.
  public func firstNonFinite(in bytes: UnsafeRawBufferPointer, at offset: Int = 0) -> Int? {
    func first<Word: FixedWidthInteger & UnsignedInteger>(_ exponent: Word, parts: Int = 1) -> Int?
    {
      let count = bytes.count / MemoryLayout<Word>.size
      // Nearly always there is none, and most types have words of these sizes.
      switch exponent {
      case let bits as UInt16:
        if moepack_any_has16(bytes.baseAddress, count, bits) == 0 { return nil }
      case let bits as UInt32:
        if moepack_any_has32(bytes.baseAddress, count, bits) == 0 { return nil }
      default: break
      }
      return firstWord(of: bytes) { $0 & exponent == exponent }.map {
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
    default: row?.block.flatMap { firstScale(of: $0, in: bytes, at: offset) }
    }
  }

  /// The first element of the first block with a scale that is infinite or no number.
  private func firstScale(
    of block: any BlockType.Type,
    in bytes: UnsafeRawBufferPointer,
    at offset: Int
  ) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let end = offset + bytes.count
    return block.scales.compactMap { scale in
      // No scale is cut in two at a multiple of 8 bytes.
      let skipped = max(0, offset - scale.place + block.bytes - 1) / block.bytes
      let places = stride(
        from: skipped * block.bytes + scale.place,
        through: end - scale.size,
        by: block.bytes
      )
      return places.first { !scale.isFinite(base + ($0 - offset)) }.map { $0 / block.bytes }
    }.min().map { $0 * block.elements }
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
