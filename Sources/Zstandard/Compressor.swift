internal import CZstd

/// How hard to compress, and for what kind of bytes.
public enum CompressionStyle: Sendable {
  /// Exponent planes of weights: entropy coding with as little match finding as libzstd allows
  /// (level 1, minMatch 7, hashLog 6), since false matches spoil the literals.
  case exponents
  /// Text, tables and other bytes.
  case general
}

/// One libzstd compression context; not for use from two threads at once.
public final class Compressor {
  private let context: OpaquePointer

  /// A context for one style of bytes.
  public init(_ style: CompressionStyle) throws(ZstandardError) {
    guard let context = ZSTD_createCCtx() else { throw .library("out of memory") }
    self.context = context
    switch style {
    case .exponents:
      try set(ZSTD_c_compressionLevel, 1)
      try set(ZSTD_c_minMatch, 7)
      try set(ZSTD_c_hashLog, 6)
    case .general:
      try set(ZSTD_c_compressionLevel, 9)
    }
    try set(ZSTD_c_contentSizeFlag, 1)
    try set(ZSTD_c_checksumFlag, 0)
  }

  deinit { ZSTD_freeCCtx(context) }

  /// The most bytes a frame of `count` bytes can take.
  public static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

  /// Compresses `source` into one frame at the start of `target`.
  ///
  /// - Returns: The frame's length, or nil if `target` is too small for it.
  public func compress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer)
    throws(ZstandardError) -> Int?
  {
    let result = ZSTD_compress2(
      context,
      target.baseAddress,
      target.count,
      source.baseAddress,
      source.count
    )
    if ZSTD_isError(result) == 0 { return result }
    if ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall { return nil }
    throw .library(String(cString: ZSTD_getErrorName(result)))
  }

  private func set(_ parameter: ZSTD_cParameter, _ value: Int32) throws(ZstandardError) {
    let result = ZSTD_CCtx_setParameter(context, parameter, value)
    if ZSTD_isError(result) != 0 { throw .library(String(cString: ZSTD_getErrorName(result))) }
  }
}

/// The version of libzstd that compresses, such as "1.5.4".
public func zstandardVersion() -> String { String(cString: ZSTD_versionString()) }
