/// What happens when the system has no memory left for a matrix.
package enum MemoryExhaustion {
  /// Called with the bytes that were wanted; a program sets it once, before it computes.
  nonisolated(unsafe) package static var handler: @Sendable (Int) -> Never = { byteCount in
    fatalError("out of memory: \(byteCount) bytes for a matrix")
  }
}
