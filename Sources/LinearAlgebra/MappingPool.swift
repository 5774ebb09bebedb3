internal import Glibc
internal import Synchronization

/// Anonymous mappings that matrices take and give back.
///
/// A matrix often lives for one product, and the next one has the same size: mapping, clearing and
/// unmapping its pages would cost as much as a tenth of the product. Mappings given back are kept
/// for the next matrix of their size, but only few, and only as long as they and those in use
/// together are no more than were in use at once before: so the pool hardly raises the peak, though
/// pages of a kept mapping are resident that its next matrix may never touch.
package enum MappingPool {
  /// A mapping, and whether its bytes are still zero.
  struct Mapping {
    let start: UnsafeMutableRawPointer
    let byteCount: Int
    let isZeroed: Bool
  }

  fileprivate struct State {
    /// Kept mappings, the one given back last at the end.
    var kept: [UInt] = []
    var keptSizes: [Int] = []
    var keptBytes = 0
    var usedBytes = 0
    var peakBytes = 0
  }

  private static let state = Mutex(State())
  private static let hugePageThreshold = 4 << 20
  /// Most bytes kept.
  package static let keptLimit = 64 << 20

  /// The size of the mapping for `byteCount` bytes: one of eight per power of two, so that matrices
  /// of nearly the same size share mappings.
  static func mappingSize(_ byteCount: Int) -> Int {
    let step = 1 << max(16, Int.bitWidth - byteCount.leadingZeroBitCount - 4)
    return (byteCount + step - 1) / step * step
  }

  /// Takes a mapping of at least `byteCount` bytes; nil when the system has none left.
  static func take(_ byteCount: Int) -> Mapping? {
    let size = mappingSize(byteCount)
    let (found, surplus) = state.withLock { state in
      let place = state.keptSizes.lastIndex(of: size)
      let found = place.map { state.remove(at: $0) }
      state.usedBytes += size
      state.peakBytes = max(state.peakBytes, state.usedBytes)
      return (found, state.dropSurplus())
    }
    release(surplus)
    if let found, let start = UnsafeMutableRawPointer(bitPattern: found) {
      return Mapping(start: start, byteCount: size, isZeroed: false)
    }
    let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start, start != MAP_FAILED else { return nil }
    if size >= hugePageThreshold { madvise(start, size, MADV_HUGEPAGE) }
    return Mapping(start: start, byteCount: size, isZeroed: true)
  }

  /// Gives back a mapping of `size` bytes.
  static func giveBack(_ start: UnsafeMutableRawPointer, size: Int) {
    let surplus = state.withLock { state in
      state.kept.append(UInt(bitPattern: start))
      state.keptSizes.append(size)
      state.keptBytes += size
      state.usedBytes -= size
      return state.dropSurplus()
    }
    release(surplus)
  }

  /// Bytes kept for the next matrix, in use, and most in use at once so far.
  static var totals: (kept: Int, used: Int, peak: Int) {
    state.withLock { ($0.keptBytes, $0.usedBytes, $0.peakBytes) }
  }

  private static func release(_ mappings: [(address: UInt, size: Int)]) {
    for (address, size) in mappings { munmap(UnsafeMutableRawPointer(bitPattern: address), size) }
  }
}

extension MappingPool.State {
  fileprivate mutating func remove(at place: Int) -> UInt {
    keptBytes -= keptSizes.remove(at: place)
    return kept.remove(at: place)
  }

  /// Takes out the mappings kept longest until the peak holds.
  fileprivate mutating func dropSurplus() -> [(address: UInt, size: Int)] {
    var surplus: [(address: UInt, size: Int)] = []
    while keptBytes + usedBytes > peakBytes || keptBytes > MappingPool.keptLimit,
      let size = keptSizes.first
    {
      surplus.append((remove(at: 0), size))
    }
    return surplus
  }
}
