internal import ArgumentParser

/// A regular expression on the command line; it matches anywhere in a name.
struct RegexArgument: ExpressibleByArgument {
  private nonisolated(unsafe) let regex: Regex<AnyRegexOutput>

  init?(argument: String) {
    guard let regex = try? Regex(argument) else { return nil }
    self.regex = regex
  }

  /// Whether `text` holds a match.
  func matches(_ text: String) -> Bool { (try? regex.firstMatch(in: text)) != nil }
}
