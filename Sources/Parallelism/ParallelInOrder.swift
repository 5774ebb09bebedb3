internal import Dispatch
internal import Synchronization

/// What workers share: results that wait for their turn.
private struct Queue<Value: Sendable>: Sendable {
  var waiting: [Int: Result<Value, any Error>] = [:]
  var nextIndex = 0
  var isConsuming = false
  var failure: (any Error)?
}

/// Makes a value for every index below `count` on up to `threads` threads and hands the values on in
/// ascending order, one at a time, while others are being made.
///
/// At most twice as many values as threads exist at once. When anything throws, what came before is
/// handed on first, and the error of the lowest failing index is thrown.
///
/// - Parameters:
///   - count: Number of indices.
///   - threads: Most threads to use, the calling one included.
///   - make: Makes the value of an index.
///   - consume: Takes the values, on changing threads but never on two at once.
/// - Throws: What `make` or `consume` throws.
package func parallelInOrder<Value: Sendable>(
  count: Int,
  threads: Int,
  make: @Sendable (Int) throws -> Value,
  consume: (Value) throws -> Void
) throws {
  let workers = min(threads, count)
  guard workers > 1 else {
    for index in 0..<max(0, count) { try consume(make(index)) }
    return
  }
  let next = Atomic<Int>(0)
  let queue = Mutex(Queue<Value>())
  // One permit for each value that may exist. A semaphore must not end below where it began.
  let permits = DispatchSemaphore(value: 0)
  for _ in 0..<2 * workers { permits.signal() }
  nonisolated(unsafe) let consume = consume
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    while true {
      permits.wait()
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count, queue.withLock({ $0.failure == nil }) else {
        permits.signal()
        return
      }
      let value = Result { try make(index) }
      var turn = queue.withLock { $0.add(value, at: index) }
      while let current = turn {
        let result = Result { try consume(current.get()) }
        turn = queue.withLock { $0.finish(result) }
        // Not before a failure is known: whoever is let in then passes its permit on and leaves, so
        // that one is enough for all, though values that nobody consumes keep theirs.
        permits.signal()
      }
    }
  }
  if let error = queue.withLock({ $0.failure }) { throw error }
}

extension Queue {
  /// Puts in a value; returns the one whose turn it is if nobody is consuming.
  mutating func add(_ value: Result<Value, any Error>, at index: Int) -> Result<Value, any Error>? {
    waiting[index] = value
    return isConsuming || failure != nil ? nil : takeNext()
  }

  /// Ends a turn; returns the next value if it is there.
  mutating func finish(_ result: Result<Void, any Error>) -> Result<Value, any Error>? {
    nextIndex += 1
    isConsuming = false
    if case .failure(let error) = result {
      failure = error
      return nil
    }
    return takeNext()
  }

  private mutating func takeNext() -> Result<Value, any Error>? {
    guard let value = waiting.removeValue(forKey: nextIndex) else { return nil }
    isConsuming = true
    return value
  }
}
