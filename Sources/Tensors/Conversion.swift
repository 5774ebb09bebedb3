internal import CKernels

extension ElementType {
  /// Widens stored elements to Float32; exact but for F64, which is rounded to nearest.
  ///
  /// Blocks of ggml give the bits that the `gguf` package gives.
  ///
  /// - Parameters:
  ///   - bytes: Whole blocks of this type (of F4 and F6 whole bytes), unaligned.
  ///   - target: As many floats as there are elements.
  /// - Throws: ``TensorError/notComputable(type:)`` unless ``isComputable``.
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
    default:
      let row = row
      if let block = row?.block {
        block.widen(source, into: base, blocks: count / block.elements)
      } else if let small = row?.small {
        small.widen(source, into: base, count: count)
      } else {
        throw .notComputable(type: self)
      }
    }
  }

  /// Narrows Float32 values to this type: floats to nearest, ties to even, blocks as ggml does.
  ///
  /// - Parameters:
  ///   - values: Whole blocks of values, any number of rows.
  ///   - importance: A weight per column, the same for every row: how much an error counts there
  ///     (ggml's importance matrix). Q8_0, MXFP4, the ternary types and floats have no use for it.
  ///   - target: Room for exactly the stored bytes, unaligned.
  /// - Throws: ``TensorError/notEncodable(type:)`` unless ``isEncodable``.
  public func narrow(
    _ values: UnsafeBufferPointer<Float>,
    importance: UnsafeBufferPointer<Float>? = nil,
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
    default:
      guard let block = row?.block as? any EncodableBlockType.Type else {
        throw .notEncodable(type: self)
      }
      guard count > 0 else { return }
      let columns = importance?.count ?? count
      precondition(columns > 0 && count % columns == 0 && columns % block.elements == 0)
      let blocks = columns / block.elements
      for row in 0..<count / columns {
        block.narrow(
          source + row * columns,
          importance: importance?.baseAddress,
          into: base + row * blocks * block.bytes,
          blocks: blocks
        )
      }
    }
  }
}
