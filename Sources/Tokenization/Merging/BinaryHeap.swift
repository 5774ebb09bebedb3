/// A binary heap: what goes before all others comes out first.
struct BinaryHeap<Element> {
  private var elements: [Element] = []
  private let goesBefore: (Element, Element) -> Bool

  /// An empty heap in the order of `goesBefore`.
  init(_ goesBefore: @escaping (Element, Element) -> Bool) { self.goesBefore = goesBefore }

  /// Puts `element` in its place.
  mutating func insert(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard goesBefore(elements[index], elements[parent]) else { break }
      elements.swapAt(index, parent)
      index = parent
    }
  }

  /// Takes the first element out; nil if there is none.
  mutating func popFirst() -> Element? {
    guard let first = elements.first, let last = elements.popLast() else { return nil }
    if elements.isEmpty { return first }
    elements[0] = last
    var index = 0
    while true {
      var child = 2 * index + 1
      guard child < elements.count else { break }
      if child + 1 < elements.count, goesBefore(elements[child + 1], elements[child]) { child += 1 }
      guard goesBefore(elements[child], elements[index]) else { break }
      elements.swapAt(child, index)
      index = child
    }
    return first
  }
}
