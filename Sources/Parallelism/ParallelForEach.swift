internal import Dispatch
internal import Synchronization

/// Calls `body` once for every index below `count`, on up to `threads` threads.
///
/// Indices are handed out in ascending order. With `threads <= 1` all runs on the calling thread.
/// When a body throws, no further index is handed out and the error of the lowest failing index is
/// thrown: as every lower index was handed out before, that error is the same for any `threads`.
///
/// - Parameters:
///   - count: Number of indices.
///   - threads: Most threads to use, the calling one included.
///   - body: Work on one index; it must write only what belongs to that index.
/// - Throws: The error of the lowest failing index.
package func parallelForEach<Failure: Error>(
  count: Int,
  threads: Int,
  _ body: @Sendable (Int) throws(Failure) -> Void
) throws(Failure) {
  let workers = min(threads, count)
  guard workers > 1 else {
    for index in 0..<max(0, count) { try body(index) }
    return
  }
  let next = Atomic<Int>(0)
  let failure = Mutex<(index: Int, error: Failure)?>(nil)
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      do throws(Failure) {
        try body(index)
      } catch {
        next.store(count, ordering: .relaxed)
        failure.withLock { first in
          if let known = first, known.index < index { return }
          first = (index, error)
        }
      }
    }
  }
  if let first = failure.withLock({ $0 }) { throw first.error }
}
