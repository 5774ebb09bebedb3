import Testing

@testable import Tokenization

/// Byte-pair encoding by the definition, by scanning, by heap, and cut at seams.
@Suite struct MergingTests {
  /// Merges as the definition says, one pair at a time.
  private func reference(
    _ text: String,
    _ merges: [(String, String)]
  ) -> [String] {
    var parts = text.map { String($0) }
    while true {
      var best: (rank: Int, place: Int)?
      for place in parts.indices.dropLast() {
        let rank = merges.firstIndex { $0.0 == parts[place] && $0.1 == parts[place + 1] }
        if let rank, best.map({ rank < $0.rank }) ?? true { best = (rank, place) }
      }
      guard let best else { return parts }
      parts.replaceSubrange(
        best.place...best.place + 1,
        with: [parts[best.place] + parts[best.place + 1]]
      )
    }
  }

  /// Words of every length around those where the method changes, from few letters, so that much
  /// merges and ranks collide.
  @Test(arguments: 1...12) func wordsAreMergedByTheDefinition(seed: Int) throws {
    var random = Generator(state: UInt64(seed))
    var merges: [(String, String)] = []
    var parts = ["a", "b", "c", "d"]
    while merges.count < 40 {
      let pair = (parts[random.next(below: parts.count)], parts[random.next(below: parts.count)])
      if merges.contains(where: { $0 == pair }) || pair.0.count + pair.1.count > 12 { continue }
      merges.append(pair)
      if !parts.contains(pair.0 + pair.1) { parts.append(pair.0 + pair.1) }
    }
    merges.shuffle(using: &random)
    let tokenizer = try Tokenizer(.letters(merges))
    for length in [0, 1, 2, 3, 10, 47, 48, 49, 63, 64, 65, 100, 200] {
      let letters = (0..<length).map { _ in "abcde".randomElement(using: &random) ?? "a" }
      let text = String(letters)
      let ids = try tokenizer.encode(text)
      #expect(ids.compactMap { tokenizer.token($0) } == reference(text, merges), "\(text)")
      #expect(try tokenizer.encode(text) == ids, "the second time, from the cache")
    }
  }

  /// Two megabytes in one word: anything quadratic would take hours.
  @Test func longWordsTakeLittleTime() throws {
    let merges = [("a", "a"), ("aa", "aa"), ("aaaa", "aaaa")]
    let tokenizer = try Tokenizer(.letters(merges))
    let ids = try tokenizer.encode([UInt8](repeating: 0x61, count: 1 << 21))
    #expect(ids.count == 1 << 18)
  }

  @Test func unknownCharactersAreFusedOrNot() throws {
    let plain = TokenizerDescription.letters([]) { $0.unknownToken = "<unk>" }
    let fused = TokenizerDescription.letters([]) {
      $0.unknownToken = "<unk>"
      $0.fuseUnknown = true
    }
    #expect(try Tokenizer(plain).encode("aÄÖb") == [0, 27, 27, 1])
    #expect(try Tokenizer(fused).encode("aÄÖb") == [0, 27, 1])
    #expect(try Tokenizer(.letters([])).encode("aÄÖb") == [0, 1], "dropped without such a token")
    let absent = TokenizerDescription.letters([]) { $0.unknownToken = "[UNK]" }
    #expect(throws: TokenizationError.noUnknownToken(file: "test.json", unknown: "[UNK]")) {
      try Tokenizer(absent).encode("Ä")
    }
  }

  @Test func wholeWordsComeFirstOnlyIfMergesAreIgnored() throws {
    let merges = [("a", "b"), ("b", "c"), ("a", "bc")]
    #expect(try Tokenizer(.letters(merges)).encode("abc") == [28, 2])
    let ignoring = TokenizerDescription.letters(merges) { $0.ignoreMerges = true }
    #expect(try Tokenizer(ignoring).encode("abc") == [30])
  }
}

/// SplitMix64, so that tests repeat.
struct Generator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
