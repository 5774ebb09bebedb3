internal import Glibc

/// Memory on a 64-byte boundary, freed with the object.
///
/// From 1 MiB on it is an anonymous mapping of ``MappingPool``, so that pages go back to the system
/// instead of staying in the allocator's pools; from 4 MiB on in huge pages where the system has them.
final class AlignedMemory: @unchecked Sendable {
  /// First byte.
  let start: UnsafeMutableRawPointer
  /// Bytes asked for.
  let byteCount: Int

  /// Bytes of the mapping; 0 for memory of the allocator.
  private let mappedBytes: Int
  private static let mappingThreshold = 1 << 20

  /// Takes `byteCount` bytes, zeroed unless `isZeroed` is false; stops the process when the system
  /// has none left.
  init(byteCount: Int, isZeroed: Bool = true) {
    precondition(byteCount >= 0)
    self.byteCount = byteCount
    if byteCount >= Self.mappingThreshold {
      guard let mapping = MappingPool.take(byteCount) else {
        MemoryExhaustion.handler(byteCount)
      }
      start = mapping.start
      mappedBytes = mapping.byteCount
      if isZeroed && !mapping.isZeroed { memset(start, 0, byteCount) }
    } else {
      start = .allocate(byteCount: max(byteCount, 64), alignment: 64)
      mappedBytes = 0
      if isZeroed { memset(start, 0, byteCount) }
    }
    BufferAccounting.add(byteCount)
  }

  deinit {
    if mappedBytes > 0 {
      MappingPool.giveBack(start, size: mappedBytes)
    } else {
      start.deallocate()
    }
    BufferAccounting.remove(byteCount)
  }

  /// Takes room for `count` numbers, zeroed unless `isZeroed` is false.
  convenience init<Real: BLASReal>(_ type: Real.Type, count: Int, isZeroed: Bool = true) {
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Real>.stride)
    precondition(!overflow && count >= 0, "matrix of \(count) elements")
    self.init(byteCount: byteCount, isZeroed: isZeroed)
  }

  /// The memory as numbers; valid while the object lives.
  func numbers<Real: BLASReal>(_ type: Real.Type) -> UnsafeMutablePointer<Real> {
    start.assumingMemoryBound(to: type)
  }
}
