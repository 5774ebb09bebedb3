import Testing

@testable import Commands

/// Text made fit for a terminal, and numbers for people.
@Suite struct SafeTextTests {
  @Test("control, direction and invisible characters are shown by number")
  func strangeCharacters() {
    #expect(SafeText.shown("a\u{1B}[31mb") == "a\\u{1b}[31mb")
    #expect(SafeText.shown("\u{0}\n\r\t\u{7F}\u{9B}") == "\\u{0}\\u{a}\\u{d}\\u{9}\\u{7f}\\u{9b}")
    #expect(SafeText.shown("\u{202E}x\u{2066}\u{200B}") == "\\u{202e}x\\u{2066}\\u{200b}")
    #expect(SafeText.shown("naïve 日本 😀") == "naïve 日本 😀")
  }

  @Test("length has a limit")
  func limit() {
    #expect(SafeText.shown("abcdef", limit: 3) == "abc…")
    #expect(SafeText.shown("abc", limit: 3) == "abc")
  }

  @Test("numbers of bytes")
  func bytes() {
    let cases = [
      (0, "0 bytes"), (999, "999 bytes"), (1000, "1.00 kB"), (15_940, "15.9 kB"),
      (3_290_000, "3.29 MB"), (28_600_000_000, "28.6 GB"),
    ]
    for (count, text) in cases { #expect(SafeText.bytes(count) == text) }
  }

  @Test("digits in groups, and behind the point")
  func digits() {
    #expect(SafeText.grouped(0) == "0" && SafeText.grouped(999) == "999")
    #expect(SafeText.grouped(1000) == "1,000" && SafeText.grouped(-1_234_567) == "-1,234,567")
    #expect(SafeText.fixed(27.7865, 3) == "27.787" && SafeText.fixed(0.0049, 2) == "0.00")
    #expect(SafeText.fixed(-1.25, 1) == "-1.3" && SafeText.fixed(-0.001, 2) == "0.00")
    #expect(SafeText.fixed(2, 0) == "2" && SafeText.fixed(9.996, 2) == "10.00")
    #expect(SafeText.fixed(.nan, 2) == "-" && SafeText.fixed(.infinity, 2) == "-")
  }

  @Test("durations")
  func durations() {
    #expect(SafeText.duration(0.4) == "0 s" && SafeText.duration(59) == "59 s")
    #expect(SafeText.duration(75) == "1:15" && SafeText.duration(3600) == "1:00:00")
    #expect(SafeText.duration(3725) == "1:02:05")
  }
}
