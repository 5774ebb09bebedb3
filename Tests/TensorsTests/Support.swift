@testable import Tensors

/// Widens `bytes` of `type`.
func widened(_ bytes: [UInt8], _ type: ElementType, count: Int) throws -> [Float] {
  var values = [Float](repeating: .nan, count: count)
  try bytes.withUnsafeBytes { source in
    try values.withUnsafeMutableBufferPointer { try type.widen(source, into: $0) }
  }
  return values
}

/// Narrows `values` to `type`, with a weight per column if there is one.
func narrowed(_ values: [Float], _ type: ElementType, importance: [Float]? = nil) throws -> [UInt8]
{
  var bytes = [UInt8](repeating: 0xEE, count: try type.byteCount(shape: [values.count]))
  try values.withUnsafeBufferPointer { source in
    try bytes.withUnsafeMutableBytes { target in
      guard let importance else { return try type.narrow(source, into: target) }
      try importance.withUnsafeBufferPointer {
        try type.narrow(source, importance: $0, into: target)
      }
    }
  }
  return bytes
}

/// Float32 bit patterns around every place where rounding to 16 bits changes its mind.
enum EdgeValues {
  static let all: [Float] = {
    var patterns: Set<UInt32> = [0, 1, 0x7F_FFFF, 0x80_0000, 0x7F7F_FFFF, 0x7F80_0000]
    patterns.formUnion([0x7F80_0001, 0x7FBF_FFFF, 0x7FC0_0000, 0x7FC0_2000, 0x7FFF_FFFF])
    // Every half and every bfloat16 of some exponents, with the midpoint behind it and neighbours.
    for exponent in UInt32(0)..<255 {
      for mantissa: UInt32 in [0, 1, 0x1FFF, 0x2000, 0x3FE000, 0x7FE000, 0x7FFFFF, 0x555555] {
        for middle: UInt32 in [0, 0x1000, 0x8000, 0x0FFF, 0x1001, 0x7FFF, 0x8001, 0x3000, 0x1_8000]
        {
          patterns.insert((exponent << 23 | mantissa & ~0x1_FFFF | middle) & 0x7FFF_FFFF)
          patterns.insert(exponent << 23 | mantissa)
        }
      }
    }
    return patterns.sorted().flatMap { [Float(bitPattern: $0), Float(bitPattern: $0 | 1 << 31)] }
  }()
}
