internal import CKernels

/// XXH64 with seed 0: finds damage, keeps up with a disk, proves nothing against malice.
public struct Checksum: Sendable {
  private var state = moepack_xxh64_state()

  /// A checksum of nothing yet.
  public init() { moepack_xxh64_reset(&state) }

  /// Adds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    moepack_xxh64_update(&state, bytes.baseAddress, bytes.count)
  }

  /// The checksum of all bytes so far.
  public var value: UInt64 {
    var copy = state
    return moepack_xxh64_digest(&copy)
  }

  /// The checksum of `bytes`.
  public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var checksum = Checksum()
    checksum.update(bytes)
    return checksum.value
  }

  /// The checksum of `bytes`.
  public static func of(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { of($0) } }
}

extension UInt64 {
  /// At least so many lower-case hexadecimal digits, as names and journals hold checksums.
  package func hexadecimal(digits count: Int) -> String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: Swift.max(0, count - digits.count)) + digits
  }
}
