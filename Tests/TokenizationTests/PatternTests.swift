import Testing

@testable import Tokenization

/// The regular expressions of pre-tokenizers.
@Suite struct PatternTests {
  private func matches(_ pattern: String, _ text: String) throws -> [String] {
    var states: [PatternState] = []
    let finder = try PatternFinder(.regex(pattern), states: &states, file: "test")
    let bytes = Array(text.utf8)
    var ranges: [Range<Int>] = []
    try finder.appendMatches(in: bytes.span, 0..<bytes.count, to: &ranges, &states)
    return ranges.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test func possessiveRunsGiveNothingBack() throws {
    #expect(try matches("a++a", "aaa") == [])
    #expect(try matches("a+a", "aaa") == ["aaa"])
    #expect(try matches("a{2}+", "aaaaa") == ["aaaa"], "an interval repeats again in Ruby's syntax")
    #expect(try matches("(?>ab|a)c", "abc ac") == ["abc", "ac"])
  }

  @Test func lookingAheadTakesNothing() throws {
    #expect(try matches(#"\s+(?!\S)"#, "a   b  ") == ["  ", "  "])
    #expect(try matches(#"\d+(?=%)"#, "10% 20") == ["10"])
    #expect(try matches(#"(?<=a)b"#, "ab bb") == ["b"])
  }

  @Test func caseIsIgnoredAsInUnicode() throws {
    #expect(try matches("(?i:'s|k)", "'S 'ſ K k \u{212A}") == ["'S", "'ſ", "K", "k", "\u{212A}"])
    #expect(try matches("(?i:a)a", "Aa AA") == ["Aa"])
  }

  @Test func classesCombine() throws {
    #expect(try matches(#"[\p{L}&&[^a-c]]+"#, "abcdéf") == ["déf"])
    #expect(try matches(#"[^\s\p{L}\p{N}]+"#, "a!? 1…") == ["!?", "…"])
    #expect(try matches(#"[\u4e00-\u9fa5]+"#, "a中文b") == ["中文"])
    #expect(try matches(#"[一-龥]+"#, "a中文b") == ["中文"])
  }

  /// `\s+$` from every place of a long run of spaces would be quadratic; so would trying it again
  /// after each failure inside the run.
  @Test func longRunsTakeLinearTime() throws {
    let spaces = String(repeating: " ", count: 1_000_000)
    #expect(try matches(#"\s+$"#, spaces + "x").isEmpty)
    #expect(try matches(#"\s*[\r\n]+|\s+(?!\S)|\s+"#, spaces + "x").count == 2)
  }

  @Test func endlessBacktrackingIsGivenUp() throws {
    let text = String(repeating: "a", count: 40)
    #expect(throws: PatternTooSlow.self) { try matches("(?:a|a)+b", text) }
    let slow = TokenizerDescription.PreTokenizer.split(
      .regex("(?:a|a)+b"),
      .isolated,
      invert: false
    )
    var description = TokenizerDescription.letters([])
    description.preTokenizers = [slow]
    let tokenizer = try Tokenizer(description)
    #expect(
      throws: TokenizationError.patternTooSlow(file: "test.json", pattern: "(?:a|a)+b")
    ) { try tokenizer.encode(text) }
  }

  @Test(arguments: [
    (#"(a)\1"#, "the escape \\1"), (#"\p{Klingon}"#, "the property \"Klingon\""),
    (#"(?x:a b)"#, "the group (?x"), ("(a", "a group without an end"),
    ("a)", "a closing parenthesis"), ("[a", "a class without an end"), ("*a", "a quantifier"),
    (#"\R"#, "the escape \\R"), ("[[:alpha:]]", "a POSIX bracket"), ("(?i:é)", "beyond ASCII"),
    (#"(\s*)*"#, "endless repetition"), ("(?<=ab)c", "looking behind"), ("[b-a]", "out of order"),
    ("(?i:st)", "ligature"), ("a{5,2}", "out of order"), (#"\pL"#, "without braces"),
  ])
  func unsupportedSyntaxIsNamed(pattern: String, what: String) {
    let fault = #expect(throws: PatternFault.self) { try PatternProgram(pattern) }
    #expect(fault?.what.contains(what) == true, "\(fault?.what ?? "")")
  }

  @Test func deepNestingIsRefused() {
    let pattern = String(repeating: "(", count: 10_000) + String(repeating: ")", count: 10_000)
    #expect(throws: PatternFault.self) { try PatternProgram(pattern) }
    let bomb = "(((a{1000}){1000}){1000})"
    #expect(throws: PatternFault.self) { try PatternProgram(bomb) }
  }
}
