/// Results placed by index from several threads, each index by one of them.
private final class Slots<Value>: @unchecked Sendable {
  let places: UnsafeMutablePointer<Value?>
  let count: Int

  init(count: Int) {
    self.count = count
    places = .allocate(capacity: count)
    places.initialize(repeating: nil, count: count)
  }

  deinit {
    places.deinitialize(count: count)
    places.deallocate()
  }
}

/// The values of `body` for every index below `count`, in order, made on up to `threads` threads.
///
/// - Throws: The error of the lowest failing index.
package func parallelMap<Value, Failure: Error>(
  count: Int,
  threads: Int,
  _ body: @Sendable (Int) throws(Failure) -> Value
) throws(Failure) -> [Value] {
  let slots = Slots<Value>(count: count)
  try parallelForEach(count: count, threads: threads) { index throws(Failure) in
    slots.places[index] = try body(index)
  }
  return (0..<count).compactMap { slots.places[$0] }
}
