internal import Synchronization

private let live = Atomic<Int>(0)
private let peak = Atomic<Int>(0)

/// Bytes held by the matrices of this module, work space included.
package enum BufferAccounting {
  /// Bytes held now.
  package static var liveBytes: Int { live.load(ordering: .relaxed) }

  /// Most bytes held at once since the start or the last ``resetPeak()``.
  package static var peakBytes: Int { peak.load(ordering: .relaxed) }

  /// Starts a new peak from the bytes held now.
  package static func resetPeak() {
    peak.store(live.load(ordering: .relaxed), ordering: .relaxed)
  }

  static func add(_ byteCount: Int) {
    let now = live.wrappingAdd(byteCount, ordering: .relaxed).newValue
    _ = peak.max(now, ordering: .relaxed)
  }

  static func remove(_ byteCount: Int) {
    live.wrappingSubtract(byteCount, ordering: .relaxed)
  }
}
