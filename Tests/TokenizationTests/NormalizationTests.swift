import Testing

@testable import Tokenization

/// The four normalization forms by their defining properties.
@Suite struct NormalizationTests {
  private func normalized(_ text: String, _ form: TokenizerDescription.UnicodeForm) -> String {
    let bytes = Array(text.utf8)
    return form.normalized(bytes.span, 0..<bytes.count).map {
      String(decoding: $0, as: UTF8.self)
    } ?? text
  }

  /// Characters that compose, decompose, reorder, or do nothing.
  private func randomText(_ random: inout Generator) -> String {
    let ranges: [ClosedRange<UInt32>] = [
      0x41...0x7A, 0xC0...0x17F, 0x300...0x345, 0x1100...0x11FF, 0xAC00...0xAD00, 0x1E00...0x1EFF,
      0x900...0x9FF, 0xF900...0xFA0F, 0x2100...0x2150, 0x591...0x5C7,
    ]
    var text = String.UnicodeScalarView()
    for _ in 0..<random.next(below: 12) {
      let range = ranges[random.next(below: ranges.count)]
      let value = range.lowerBound + UInt32(random.next(below: range.count))
      if let scalar = Unicode.Scalar(value) { text.append(scalar) }
    }
    return String(text)
  }

  @Test func formsAreStableAndEquivalent() {
    var random = Generator(state: 1)
    for _ in 0..<5000 {
      let text = randomText(&random)
      let (nfc, nfd) = (normalized(text, .nfc), normalized(text, .nfd))
      let (nfkc, nfkd) = (normalized(text, .nfkc), normalized(text, .nfkd))
      // Swift compares strings by canonical equivalence, by tables of its own.
      #expect(nfc == text && nfd == text, "\(quoted(text))")
      #expect(normalized(nfd, .nfc).isSame(as: nfc) && normalized(nfc, .nfd).isSame(as: nfd))
      #expect(normalized(nfkd, .nfkc).isSame(as: nfkc) && normalized(nfkc, .nfkd).isSame(as: nfkd))
      #expect(normalized(nfc, .nfc).isSame(as: nfc) && normalized(nfkc, .nfc).isSame(as: nfkc))
    }
  }

  @Test func wellKnownExamples() {
    #expect(normalized("e\u{301}", .nfc).isSame(as: "\u{E9}"))
    #expect(normalized("\u{E9}", .nfd).isSame(as: "e\u{301}"))
    #expect(normalized("\u{1112}\u{1161}\u{11AB}", .nfc).isSame(as: "\u{D55C}"))
    #expect(normalized("\u{D55C}", .nfd).isSame(as: "\u{1112}\u{1161}\u{11AB}"))
    #expect(normalized("q\u{307}\u{323}", .nfc).isSame(as: "q\u{323}\u{307}"))
    #expect(normalized("\u{FB01}\u{2460}\u{212B}", .nfkc).isSame(as: "fi1\u{C5}"))
    #expect(normalized("\u{958}\u{344}", .nfc).isSame(as: "\u{915}\u{93C}\u{308}\u{301}"))
  }

  /// A run of marks as long as the text must not take quadratic time.
  @Test func longRunsOfMarks() {
    let text = "a" + String(repeating: "\u{301}\u{323}", count: 100_000)
    #expect(normalized(text, .nfd).unicodeScalars.count == 200_001)
  }
}
