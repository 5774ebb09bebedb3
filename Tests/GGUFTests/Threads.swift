import Glibc
import Synchronization

/// What went wrong in several threads.
final class Failures: Sendable {
  private let list = Mutex<[String]>([])

  var all: [String] { list.withLock { $0 } }

  func add(_ text: String) { list.withLock { $0.append(text) } }
}

/// Threads of the system, so that they run at once whatever the tests' executor does.
struct Thread {
  private var handles: [pthread_t] = []

  private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts `count` threads, each with its number.
  static func run(count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Thread {
    var threads = Thread()
    for number in 0..<count {
      let work = Unmanaged.passRetained(Work { body(number) }).toOpaque()
      var handle = pthread_t()
      pthread_create(
        &handle,
        nil,
        { pointer in
          if let pointer { Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body() }
          return nil
        },
        work
      )
      threads.handles.append(handle)
    }
    return threads
  }

  /// Waits for all.
  func join() { for handle in handles { pthread_join(handle, nil) } }
}
