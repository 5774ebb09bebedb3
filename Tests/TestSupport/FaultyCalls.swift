package import Storage
internal import Synchronization

/// Counts the system calls of what it runs, and makes one of them fail.
package enum FaultyCalls {
  /// Runs `body` undisturbed and returns its calls in order.
  package static func counting(_ body: () throws -> Void) rethrows -> [SystemCalls.Name] {
    let made = Made()
    let calls = SystemCalls { name in
      _ = made.add(name)
      return usual(name)
    }
    try SystemCalls.$current.withValue(calls) { try body() }
    return made.names
  }

  /// Runs `body` with call number `index` failing, and after it every call in `forGood`.
  package static func failing(
    _ index: Int,
    _ fault: SystemCalls.Fault,
    forGood: [SystemCalls.Name] = [],
    _ body: () throws -> Void
  ) rethrows {
    let made = Made()
    let calls = SystemCalls { name in
      let number = made.add(name)
      return number == index || number > index && forGood.contains(name) ? fault : usual(name)
    }
    try SystemCalls.$current.withValue(calls) { try body() }
  }

  /// Hundreds of runs would spend their time waiting for the disk.
  private static func usual(_ name: SystemCalls.Name) -> SystemCalls.Fault? {
    name == .sync ? .skipped : nil
  }

  /// The calls made so far.
  private final class Made: Sendable {
    private let list = Mutex<[SystemCalls.Name]>([])

    var names: [SystemCalls.Name] { list.withLock { $0 } }

    func add(_ name: SystemCalls.Name) -> Int {
      list.withLock {
        $0.append(name)
        return $0.count - 1
      }
    }
  }
}
