/// Merges one long word in n log n: neighbours linked by index, candidates in a heap.
///
/// The order is that of the definition: always the pair of lowest rank, of equals the leftmost. A
/// candidate is one number, rank above place, so that the heap compares it at once; candidates whose
/// pair has changed since are passed over.
struct MergeQueue: Sendable {
  private var heap: [UInt64] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []

  /// Merges `symbols` in place until no pair has a merge.
  mutating func merge(_ symbols: inout [Int32], _ merges: MergeTable) {
    let count = symbols.count
    heap.removeAll(keepingCapacity: true)
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    for index in 0..<count {
      previous.append(Int32(index) - 1)
      next.append(index + 1 < count ? Int32(index) + 1 : -1)
      if index + 1 < count, let merge = merges.merge(symbols[index], symbols[index + 1]) {
        heap.append(MergeQueue.candidate(merge.rank, index))
      }
    }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(index) }

    while let candidate = heap.first {
      let place = Int(candidate & 0xFFFF_FFFF)
      let right = Int(next[place])
      guard symbols[place] >= 0, right >= 0,
        let merge = merges.merge(symbols[place], symbols[right]),
        UInt64(UInt32(bitPattern: merge.rank)) == candidate >> 32
      else {
        removeFirst()
        continue
      }
      symbols[place] = merge.id
      symbols[right] = -1
      let after = next[right]
      next[place] = after
      // The first new candidate takes the place of the one just used.
      var isReplaced = false
      if after >= 0 {
        previous[Int(after)] = Int32(place)
        if let merge = merges.merge(symbols[place], symbols[Int(after)]) {
          heap[0] = MergeQueue.candidate(merge.rank, place)
          sink(0)
          isReplaced = true
        }
      }
      if !isReplaced { removeFirst() }
      let before = Int(previous[place])
      if before >= 0, let merge = merges.merge(symbols[before], symbols[place]) {
        insert(MergeQueue.candidate(merge.rank, before))
      }
    }
    symbols.removeAll { $0 < 0 }
  }

  private static func candidate(_ rank: Int32, _ place: Int) -> UInt64 {
    UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(place)
  }

  private mutating func insert(_ candidate: UInt64) {
    heap.append(candidate)
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard heap[index] < heap[parent] else { break }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  private mutating func removeFirst() {
    guard let last = heap.popLast(), !heap.isEmpty else { return }
    heap[0] = last
    sink(0)
  }

  private mutating func sink(_ start: Int) {
    var index = start
    let moved = heap[index]
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < moved else { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = moved
  }
}
