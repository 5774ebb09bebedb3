internal import TestSupport

/// Changes a GGUF file by its parts, so that most of what comes out is one again.
struct GGUFMutation {
  /// A file changed once, by its parts or, now and then and where it has none, byte by byte.
  static func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    guard Int.random(in: 0..<8, using: &random) > 0, var file = parts(of: input) else {
      var bytes = input
      ByteMutation.apply(to: &bytes, using: &random)
      return bytes
    }
    apply(to: &file, using: &random)
    return file.bytes
  }

  /// A whole file taken apart; nil where its bytes do not hold what they announce.
  static func parts(of bytes: [UInt8]) -> RawGGUF? {
    guard bytes.count >= 24 else { return nil }
    var file = RawGGUF()
    file.magic = Array(bytes[..<4])
    file.version = bytes.integer(at: 4)
    var walk = Walk(bytes: bytes, position: 24)
    let counts = (
      tensors: bytes.integer(UInt64.self, at: 8), keys: bytes.integer(UInt64.self, at: 16)
    )
    guard counts.tensors < 1000, counts.keys < 1000 else { return nil }
    for _ in 0..<counts.keys {
      guard let pair = walk.entry({ $0.skipPair() }) else { return nil }
      if pair.starts(with: RawGGUF.pair("general.alignment", 0).dropLast(4)) {
        let value = pair.integer(UInt32.self, at: pair.count - 4)
        if (8...4096).contains(value), value.nonzeroBitCount == 1 { file.alignment = Int(value) }
      }
      file.keys.append(pair)
    }
    for _ in 0..<counts.tensors {
      guard let tensor = walk.entry({ $0.skipTensor() }) else { return nil }
      file.tensors.append(tensor)
    }
    let start = (walk.position + file.alignment - 1) / file.alignment * file.alignment
    file.data = start < bytes.count ? Array(bytes[start...]) : []
    return file
  }

  /// Changes `file` once.
  static func apply(to file: inout RawGGUF, using random: inout SeededRandom) {
    switch Int.random(in: 0..<20, using: &random) {
    case 0:
      file.version = UInt32(
        truncatingIfNeeded: ByteMutation.numbers.randomElement(using: &random) ?? 0
      )
    case 1: file.claimedKeys = ByteMutation.numbers.randomElement(using: &random)
    case 2: file.claimedTensors = ByteMutation.numbers.randomElement(using: &random)
    case 3: file.data += random.bytes(32 * Int.random(in: 1...4, using: &random))
    case 4: file.data.removeLast(min(file.data.count, Int.random(in: 1...64, using: &random)))
    case 5: rearrange(&file.keys, using: &random)
    case 6: rearrange(&file.tensors, using: &random)
    case 7, 8: file.keys.append(pair(using: &random))
    case 9: align(&file, using: &random)
    case 10, 11: spoil(&file.keys, using: &random)
    case 12: moveTensor(&file, using: &random)
    case 13, 14: renumber(&file.keys, using: &random)
    case 15, 16: reshape(&file.tensors, using: &random)
    default: spoil(&file.tensors, using: &random)
    }
  }

  /// Spoils one entry.
  private static func spoil(_ entries: inout [[UInt8]], using random: inout SeededRandom) {
    guard let place = entries.indices.randomElement(using: &random) else { return }
    ByteMutation.apply(to: &entries[place], using: &random)
  }

  /// Doubles, drops or swaps entries.
  private static func rearrange(_ entries: inout [[UInt8]], using random: inout SeededRandom) {
    guard let place = entries.indices.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<3, using: &random) {
    case 0: entries.append(entries[place])
    case 1: entries.remove(at: place)
    default: entries.swapAt(place, 0)
    }
  }

  /// A pair of any type, sound or nearly so.
  private static func pair(using random: inout SeededRandom) -> [UInt8] {
    let words = ["a", "é", "split.count", "split.no", "general.alignment", "\u{1B}[31m", "a.b"]
    let key = words.randomElement(using: &random) ?? ""
    let type = UInt32.random(in: 0...13, using: &random)
    let sizes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8, 1]
    let value = (random.next() % 3 == 0 ? 1 : 0, Int.random(in: 0...3, using: &random))
    guard type == 9 || type == 8 else {
      let bytes = type == 7 ? [UInt8(value.0)] : random.bytes(sizes[Int(type)])
      return RawGGUF.pair(key, type, bytes)
    }
    if type == 8 { return RawGGUF.pair(key, words.randomElement(using: &random) ?? "") }
    let inner = UInt32.random(in: 0...12, using: &random)
    let elements = (0..<value.1).flatMap { _ in
      inner == 8
        ? RawGGUF.string(words.randomElement(using: &random) ?? "")
        : inner == 7 ? [1] : random.bytes(sizes[Int(inner)])
    }
    return RawGGUF.array(key, of: inner, UInt64(value.1), elements)
  }

  /// Gives the file another alignment.
  private static func align(_ file: inout RawGGUF, using random: inout SeededRandom) {
    let alignment = 1 << UInt32.random(in: 2...8, using: &random)
    file.keys.removeAll { $0.starts(with: RawGGUF.string("general.alignment")) }
    file.keys.append(RawGGUF.pair("general.alignment", UInt32(alignment)))
    file.alignment = Int(alignment)
  }

  /// Gives a key, or an element of one, another whole number of 32 bits.
  private static func renumber(_ keys: inout [[UInt8]], using random: inout SeededRandom) {
    let places = keys.indices.filter { numbers(of: keys[$0]) != nil }
    guard let place = places.randomElement(using: &random),
      let start = numbers(of: keys[place])?.randomElement(using: &random),
      let number = ByteMutation.numbers.randomElement(using: &random)
    else { return }
    keys[place].put(UInt32(truncatingIfNeeded: number), at: start)
  }

  /// Where a pair has numbers of 32 bits; nil if its value is of another type.
  private static func numbers(of pair: [UInt8]) -> [Int]? {
    guard pair.count >= 8, let name = Int(exactly: pair.integer(UInt64.self, at: 0)),
      name <= pair.count - 16
    else { return nil }
    let type: UInt32 = pair.integer(at: 8 + name)
    if [4, 5, 6].contains(type) {
      return Array(stride(from: 12 + name, to: pair.count - 3, by: 4))
    }
    guard type == 9, pair.count >= 28 + name,
      [4, 5, 6].contains(pair.integer(UInt32.self, at: 12 + name))
    else { return nil }
    return Array(stride(from: 24 + name, to: pair.count - 3, by: 4))
  }

  /// Gives a tensor other axes, none and empty ones among them.
  private static func reshape(_ tensors: inout [[UInt8]], using random: inout SeededRandom) {
    guard let place = tensors.indices.randomElement(using: &random) else { return }
    let entry = tensors[place]
    guard entry.count >= 24, let name = Int(exactly: entry.integer(UInt64.self, at: 0)),
      name <= entry.count - 24
    else { return }
    let sizes: [UInt64] = [0, 0, 1, 1, 2, 3, 6, 8, 1 << 20, 1 << 31, 1 << 40]
    let axes = Int.random(in: 0...4, using: &random)
    tensors[place] =
      entry[..<(8 + name)] + .littleEndian(UInt32(axes))
      + (0..<axes).flatMap { _ in
        [UInt8].littleEndian(sizes.randomElement(using: &random) ?? 0)
      } + entry.suffix(12)
  }

  /// Puts a tensor at another multiple of 32.
  private static func moveTensor(_ file: inout RawGGUF, using random: inout SeededRandom) {
    guard let place = file.tensors.indices.randomElement(using: &random),
      file.tensors[place].count >= 8
    else { return }
    let offset = UInt64(32 * Int.random(in: 0...file.data.count / 32, using: &random))
    file.tensors[place].put(offset, at: file.tensors[place].count - 8)
  }
}

/// Goes over the entries of a file.
private struct Walk {
  let bytes: [UInt8]
  var position: Int

  /// The bytes that `skip` goes over; nil if they are not all there.
  mutating func entry(_ skip: (inout Walk) -> Bool) -> [UInt8]? {
    let start = position
    return skip(&self) ? Array(bytes[start..<position]) : nil
  }

  private mutating func skip(_ count: UInt64) -> Bool {
    guard count <= UInt64(bytes.count - position) else { return false }
    position += Int(count)
    return true
  }

  private mutating func number<T: FixedWidthInteger>(_ type: T.Type) -> T? {
    let start = position
    return skip(UInt64(MemoryLayout<T>.size)) ? bytes.integer(T.self, at: start) : nil
  }

  private mutating func skipString() -> Bool { number(UInt64.self).map { skip($0) } ?? false }

  mutating func skipPair() -> Bool {
    guard skipString(), let type = number(UInt32.self) else { return false }
    guard type == 9 else { return skipValue(type) }
    guard let inner = number(UInt32.self), let count = number(UInt64.self), inner != 9 else {
      return false
    }
    for _ in 0..<min(count, 10_000) where !skipValue(inner) { return false }
    return count <= 10_000
  }

  private mutating func skipValue(_ type: UInt32) -> Bool {
    switch type {
    case 0, 1, 7: skip(1)
    case 2, 3: skip(2)
    case 4...6: skip(4)
    case 10...12: skip(8)
    case 8: skipString()
    default: false
    }
  }

  mutating func skipTensor() -> Bool {
    guard skipString(), let axes = number(UInt32.self), axes <= 8 else { return false }
    return skip(8 * UInt64(axes) + 12)
  }
}
