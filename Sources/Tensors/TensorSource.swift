/// An opened file or set of files that holds tensors.
///
/// Opening reads headers only; values leave through `read`, which may be called from many threads.
public protocol TensorSource: AnyObject, Sendable {
  /// Every tensor, in the source's own order.
  var tensors: [TensorDescriptor] { get }

  /// Copies bytes of the tensor at `index` (decoded, in its element type) into `buffer`.
  ///
  /// - Parameter range: Bytes relative to the tensor's first; `buffer` is as long.
  func read(tensor index: Int, bytes range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer)
    throws
}

extension TensorSource {
  /// All bytes of a small tensor.
  public func bytes(ofTensor index: Int) throws -> [UInt8] {
    let count = tensors[index].byteCount
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try read(tensor: index, bytes: 0..<count, into: UnsafeMutableRawBufferPointer(buffer))
      initialized = count
    }
  }
}
