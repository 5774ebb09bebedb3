internal import SystemPackage

/// The name of a split: `PREFIX-00002-of-00005.gguf`, counted from one.
struct GGUFSplitName {
  /// What all splits of a set have before their numbers, the folder included.
  let prefix: String
  /// Which split it is, from zero.
  let number: Int
  /// How many there are.
  let count: Int

  /// Takes a path apart; nil if it is not the name of a split.
  init?(_ path: FilePath) {
    let name = path.string
    guard name.hasSuffix(".gguf") else { return nil }
    let parts = name.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of",
      let count = GGUFSplitName.number(parts[parts.count - 1]),
      let number = GGUFSplitName.number(parts[parts.count - 3]), number >= 1, number <= count
    else { return nil }
    self.number = number - 1
    self.count = count
    prefix = parts.dropLast(3).joined(separator: "-")
  }

  /// A number of five digits at least, as `%05d` writes it.
  private static func number(_ text: Substring) -> Int? {
    guard text.count >= 5, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text.count == 5 || text.first != "0"
    else { return nil }
    return Int(text)
  }

  /// The path of another split of the set.
  func path(of number: Int) -> FilePath {
    FilePath(prefix + GGUFSplitName.suffix(number, of: count))
  }

  /// How the name of split `number`, from zero, ends.
  static func suffix(_ number: Int, of count: Int) -> String {
    "-\(padded(number + 1))-of-\(padded(count)).gguf"
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
