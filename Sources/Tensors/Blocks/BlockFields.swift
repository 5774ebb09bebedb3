internal import CKernels

/// Fields inside a block, at any alignment.
extension UnsafeRawPointer {
  /// The bytes from `offset` on.
  @inline(__always)
  func bytes(at offset: Int) -> UnsafePointer<UInt8> {
    (self + offset).assumingMemoryBound(to: UInt8.self)
  }

  /// The 16-bit word at `offset`.
  @inline(__always)
  func word(at offset: Int) -> UInt16 {
    UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The 32-bit word at `offset`.
  @inline(__always)
  func doubleWord(at offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The half-precision number at `offset`.
  @inline(__always)
  func half(at offset: Int) -> Float { widenedHalf(word(at: offset)) }
}

/// A half-precision number as Float32, exact.
///
/// Read as a Float32, a half's exponent and mantissa are 2^112 too small, subnormal ones included.
@inline(__always)
func widenedHalf(_ half: UInt16) -> Float {
  let sign = UInt32(half & 0x8000) << 16
  let magnitude = UInt32(half & 0x7FFF) << 13
  let value = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
  let exponent: UInt32 = half & 0x7C00 == 0x7C00 ? 0x7F80_0000 : 0
  return Float(bitPattern: value | exponent | sign)
}

extension UnsafeMutableRawPointer {
  /// The bytes from `offset` on.
  @inline(__always)
  func bytes(at offset: Int) -> UnsafeMutablePointer<UInt8> {
    (self + offset).assumingMemoryBound(to: UInt8.self)
  }

  /// Stores a half-precision number, to nearest, ties to even.
  ///
  /// - Parameters:
  ///   - value: The number.
  ///   - offset: Where it goes.
  /// - Returns: The number as it is stored.
  @inline(__always) @discardableResult
  func storeHalf(_ value: Float, at offset: Int) -> Float {
    var value = value
    moepack_narrow_f16(&value, self + offset, 1)
    return UnsafeRawPointer(self).half(at: offset)
  }

  /// Stores a 16-bit word.
  @inline(__always)
  func storeWord(_ value: UInt16, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  /// Stores a 32-bit word.
  @inline(__always)
  func storeDoubleWord(_ value: UInt32, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }
}
