internal import CKernels

extension ElementType {
  /// Widens stored elements to Float32; exact but for F64, which is rounded to nearest.
  ///
  /// - Parameters:
  ///   - bytes: Whole blocks of this type, unaligned.
  ///   - target: As many floats as there are elements.
  /// - Throws: ``TensorError/notComputable(type:)`` unless this is F64, F32, F16, BF16 or Q8_0.
  public func widen(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>)
    throws(TensorError)
  {
    guard let source = bytes.baseAddress, let base = target.baseAddress else { return }
    let count = target.count
    precondition(bytes.count == (try? byteCount(shape: [count])))
    switch self {
    case .f32: UnsafeMutableRawPointer(base).copyMemory(from: source, byteCount: 4 * count)
    case .bf16: moepack_widen_bf16(source, base, count)
    case .f16: moepack_widen_f16(source, base, count)
    case .f64:
      for i in 0..<count {
        base[i] = Float(source.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
      }
    case .q8_0: Q8_0.widen(source, into: base, blocks: count / Q8_0.elements)
    default: throw .notComputable(type: self)
    }
  }

  /// Narrows Float32 values to this type, to nearest, ties to even.
  ///
  /// - Parameters:
  ///   - values: Whole blocks of values.
  ///   - target: Room for exactly the stored bytes, unaligned.
  /// - Throws: ``TensorError/notComputable(type:)`` unless this is F64, F32, F16, BF16 or Q8_0.
  public func narrow(
    _ values: UnsafeBufferPointer<Float>,
    into target: UnsafeMutableRawBufferPointer
  ) throws(TensorError) {
    guard let source = values.baseAddress, let base = target.baseAddress else { return }
    let count = values.count
    precondition(target.count == (try? byteCount(shape: [count])))
    switch self {
    case .f32: base.copyMemory(from: source, byteCount: 4 * count)
    case .bf16: moepack_narrow_bf16(source, base, count)
    case .f16: moepack_narrow_f16(source, base, count)
    case .f64:
      for i in 0..<count {
        base.storeBytes(of: Double(source[i]), toByteOffset: 8 * i, as: Double.self)
      }
    case .q8_0: Q8_0.narrow(source, into: base, blocks: count / Q8_0.elements)
    default: throw .notComputable(type: self)
    }
  }
}
