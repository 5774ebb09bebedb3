import Synchronization
import Testing

@testable import Parallelism

@Suite("Parallel loop")
struct ParallelTests {
  struct Failure: Error, Equatable { let index: Int }

  @Test("every index runs once", arguments: [0, 1, 2, 3, 8], [0, 1, 2, 100])
  func everyIndex(threads: Int, count: Int) {
    let seen = Mutex(Array(repeating: 0, count: count))
    parallelForEach(count: count, threads: threads) { index in seen.withLock { $0[index] += 1 } }
    #expect(seen.withLock { $0 } == Array(repeating: 1, count: count))
  }

  @Test("the error of the lowest failing index is thrown", arguments: [1, 2, 4])
  func lowestError(threads: Int) {
    for _ in 0..<50 {
      #expect(throws: Failure(index: 17)) {
        try parallelForEach(count: 200, threads: threads) { (index) throws(Failure) in
          if index >= 17 { throw Failure(index: index) }
        }
      }
    }
  }

  @Test("after an error no further index is handed out")
  func stops() {
    let ran = Mutex(0)
    #expect(throws: Failure(index: 3)) {
      try parallelForEach(count: 1000, threads: 1) { (index) throws(Failure) in
        ran.withLock { $0 += 1 }
        if index == 3 { throw Failure(index: index) }
      }
    }
    #expect(ran.withLock { $0 } == 4)
  }
}
