/// Which bytes of a tensor were written: ranges that do not touch, ascending.
///
/// Written from front to back there is one range; pieces in any order make some more until they
/// meet.
struct WrittenRanges {
  private var ranges: [Range<Int>] = []
  /// Bytes written, each counted once.
  private(set) var count = 0

  /// Adds a range, which may overlap others.
  mutating func insert(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    // The first range that ends at or behind the new one's start, by halving.
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    var end = low
    var (first, last) = (range.lowerBound, range.upperBound)
    while end < ranges.count, ranges[end].lowerBound <= last {
      first = min(first, ranges[end].lowerBound)
      last = max(last, ranges[end].upperBound)
      count -= ranges[end].count
      end += 1
    }
    ranges.replaceSubrange(low..<end, with: [first..<last])
    count += last - first
  }
}
