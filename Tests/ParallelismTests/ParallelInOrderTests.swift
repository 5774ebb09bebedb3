import Parallelism
import Synchronization
import Testing

@Suite("Work handed on in order")
struct ParallelInOrderTests {
  private struct Refusal: Error, Equatable { var index: Int }

  @Test("values arrive once each, ascending", arguments: [0, 1, 2, 7, 100], [1, 2, 3, 8])
  func order(count: Int, threads: Int) throws {
    var seen: [Int] = []
    try parallelInOrder(count: count, threads: threads) { index in
      // Early indices take longest, so that later ones have to wait.
      (0..<(count - index) * 500).reduce(index) { $0 &+ ($1 & 0) }
    } consume: {
      seen.append($0)
    }
    #expect(seen == Array(0..<count))
  }

  @Test("no more than two values per thread exist at once", arguments: [2, 4])
  func bounded(threads: Int) throws {
    let live = Atomic<Int>(0)
    let most = Atomic<Int>(0)
    try parallelInOrder(count: 200, threads: threads) { index -> Int in
      most.max(live.wrappingAdd(1, ordering: .relaxed).newValue, ordering: .relaxed)
      return index
    } consume: { _ in
      live.wrappingSubtract(1, ordering: .relaxed)
    }
    #expect(most.load(ordering: .relaxed) <= 2 * threads)
  }

  @Test("the error of the lowest index is thrown, behind all before it", arguments: [1, 2, 5])
  func failure(threads: Int) {
    var seen: [Int] = []
    #expect(throws: Refusal(index: 11)) {
      try parallelInOrder(count: 50, threads: threads) { index in
        if index == 11 || index == 12 { throw Refusal(index: index) }
        return index
      } consume: {
        seen.append($0)
      }
    }
    #expect(seen == Array(0..<11))
  }

  @Test(
    "an error ends the work while others wait for their turn",
    .timeLimit(.minutes(1)),
    arguments: [2, 3, 8]
  )
  func failureBeforeWaiting(threads: Int) {
    for round in 0..<300 {
      #expect(throws: Refusal(index: 0)) {
        try parallelInOrder(count: 40, threads: threads) { index in
          // The first comes last, so that all that may exist do.
          index == 0 ? (0..<20_000 + 100 * round).reduce(0) { $0 &+ ($1 & 0) } : index
        } consume: { value in
          throw Refusal(index: value)
        }
      }
    }
  }

  @Test("an error of the consumer ends the work", arguments: [1, 2, 5])
  func refusingConsumer(threads: Int) {
    var seen: [Int] = []
    #expect(throws: Refusal(index: 3)) {
      try parallelInOrder(count: 50, threads: threads) {
        $0
      } consume: { value in
        if value == 3 { throw Refusal(index: value) }
        seen.append(value)
      }
    }
    #expect(seen == [0, 1, 2])
  }
}
