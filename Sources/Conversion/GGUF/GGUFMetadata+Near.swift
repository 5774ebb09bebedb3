internal import GGUF

extension GGUFMetadata {
  /// Keys that may be meant by one that is not there, the nearest first, three at most: those that
  /// differ in few letters, and those with the same last part (`block_count` for
  /// `llama.block_count`).
  func keys(near wanted: String) -> [String] {
    func lastPart(_ key: String) -> Substring { key.split(separator: ".").last ?? "" }
    let letters = Array(wanted.utf8.prefix(80))
    let part = lastPart(wanted)
    let near: [(key: String, distance: Int)] = compactMap { key, _ in
      let distance = GGUFMetadata.distance(letters, Array(key.utf8.prefix(80)))
      let isNear = distance <= Swift.max(2, letters.count / 4) || lastPart(key) == part
      return isNear ? (key, distance) : nil
    }
    return near.sorted { ($0.distance, $0.key) < ($1.distance, $1.key) }.prefix(3).map(\.key)
  }

  /// Letters to insert, remove or replace to make one word of the other (Levenshtein).
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let replaced = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = Swift.min(replaced, diagonal + 1, row[j] + 1)
      }
    }
    return row[b.count]
  }
}
