/// An opened file or set of files that holds tensors.
///
/// Opening reads headers only; values leave through `read`, which may be called from many threads.
public protocol TensorSource: AnyObject, Sendable {
  /// Every tensor, in the source's own order.
  var tensors: [TensorDescriptor] { get }

  /// Copies bytes of the tensor at `index` (decoded, in its element type) into `buffer`.
  ///
  /// - Parameters:
  ///   - index: Place in `tensors`.
  ///   - range: Bytes relative to the tensor's first.
  ///   - buffer: Room for exactly as many bytes.
  /// - Throws: The source's error, if the file has shrunk or its bytes do not decode.
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
