internal import CZstd

/// The bytes of one whole frame that states its size, for data that ships with the program.
///
/// - Throws: ``ZstandardError`` if the frame does not state a size, or one past `limit`.
public func decompressed(_ frame: UnsafeRawBufferPointer, limit: Int) throws(ZstandardError)
  -> [UInt8]
{
  let size = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
  guard size <= UInt64(limit) else { throw .wrongSize(expected: limit, got: size) }
  var bytes = [UInt8](repeating: 0, count: Int(size))
  let decompressor = try Decompressor()
  var failure: ZstandardError?
  bytes.withUnsafeMutableBytes { buffer in
    do throws(ZstandardError) { try decompressor.decompress(frame, into: buffer) } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}
