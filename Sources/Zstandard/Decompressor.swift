internal import CZstd

/// One libzstd decompression context; not for use from two threads at once.
public final class Decompressor {
  private let context: OpaquePointer

  /// A context.
  public init() throws(ZstandardError) {
    guard let context = ZSTD_createDCtx() else { throw .library("out of memory") }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Decodes one frame that must fill `target` exactly and have nothing behind it.
  ///
  /// The frame's own size is compared with the room before anything is decoded, so a frame that
  /// would unfold to more is refused at no cost.
  public func decompress(
    _ frame: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  )
    throws(ZstandardError)
  {
    let stated = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
    guard stated == UInt64(target.count) else {
      throw .wrongSize(expected: target.count, got: stated)
    }
    // The decoder below would go on with a second frame, or skip one.
    let length = ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count)
    if ZSTD_isError(length) != 0 { throw .library(String(cString: ZSTD_getErrorName(length))) }
    guard length == frame.count else { throw .trailing(byteCount: frame.count - length) }
    let result = ZSTD_decompressDCtx(
      context,
      target.baseAddress,
      target.count,
      frame.baseAddress,
      frame.count
    )
    if ZSTD_isError(result) != 0 { throw .library(String(cString: ZSTD_getErrorName(result))) }
    guard result == target.count else {
      throw .wrongSize(expected: target.count, got: UInt64(result))
    }
  }
}
