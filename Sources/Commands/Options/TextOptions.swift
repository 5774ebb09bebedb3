internal import ArgumentParser

/// Checks that options about text share.
enum TextOptions {
  /// Exactly one of `--text` and `--ids`.
  static func requireOne(text: String?, ids: String?) throws {
    if text != nil, ids != nil { throw ValidationError("--text and --ids exclude each other") }
    if text == nil, ids == nil { throw ValidationError("give --text FILE or --ids FILE") }
  }

  /// A number from one up.
  static func requirePositive(_ name: String, _ value: Int?, atMost limit: Int = 1 << 40) throws {
    guard let value else { return }
    guard (1...limit).contains(value) else {
      throw ValidationError("\(name) takes a number from 1 to \(limit), not \(value)")
    }
  }
}
