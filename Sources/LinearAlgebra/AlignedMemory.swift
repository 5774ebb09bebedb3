internal import Glibc

/// Zeroed memory on a 64-byte boundary, freed with the object.
///
/// From 1 MiB on it is an anonymous mapping, so the pages go back to the system at once when the
/// object dies instead of staying in the allocator's pools; from 4 MiB on in huge pages where the
/// system has them, since a matrix that lives for one product would else spend its time in page faults.
final class AlignedMemory: @unchecked Sendable {
  /// First byte.
  let start: UnsafeMutableRawPointer
  /// Bytes asked for.
  let byteCount: Int

  private let isMapped: Bool
  private static let mappingThreshold = 1 << 20
  private static let hugePageThreshold = 4 << 20

  /// Takes `byteCount` zeroed bytes; stops the process when the system has none left.
  init(byteCount: Int) {
    precondition(byteCount >= 0)
    self.byteCount = byteCount
    isMapped = byteCount >= Self.mappingThreshold
    if isMapped {
      let mapping = mmap(
        nil,
        byteCount,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0
      )
      guard let mapping, mapping != MAP_FAILED else {
        fatalError("out of memory: \(byteCount) bytes for a matrix")
      }
      if byteCount >= Self.hugePageThreshold { madvise(mapping, byteCount, MADV_HUGEPAGE) }
      start = mapping
    } else {
      start = .allocate(byteCount: max(byteCount, 64), alignment: 64)
      start.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 64))
    }
    BufferAccounting.add(byteCount)
  }

  deinit {
    if isMapped {
      munmap(start, byteCount)
    } else {
      start.deallocate()
    }
    BufferAccounting.remove(byteCount)
  }

  /// Takes zeroed room for `count` numbers.
  convenience init<Real: BLASReal>(_ type: Real.Type, count: Int) {
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Real>.stride)
    precondition(!overflow && count >= 0, "matrix of \(count) elements")
    self.init(byteCount: byteCount)
  }

  /// The memory as numbers; valid while the object lives.
  func numbers<Real: BLASReal>(_ type: Real.Type) -> UnsafeMutablePointer<Real> {
    start.assumingMemoryBound(to: type)
  }
}
