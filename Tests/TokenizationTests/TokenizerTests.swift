import Testing
import Tokenization

/// Behaviour of the tokenizer as a whole that no reference file shows.
@Suite struct TokenizerTests {
  @Test func invalidUTF8IsRefusedByOffset() throws {
    let tokenizer = try Tokenizer(.letters([]))
    for (bytes, offset) in [
      ([0x61, 0xFF], 1), ([0x61, 0x62, 0xE2, 0x82], 2), ([0xC0, 0x80], 0), ([0xED, 0xA0, 0x80], 0),
      ([0x61, 0x80], 1),
    ] as [([UInt8], Int)] {
      #expect(throws: TokenizationError.invalidUTF8(offset: offset)) {
        try tokenizer.encode(bytes)
      }
    }
  }

  @Test func unknownIDsAreRefused() throws {
    let tokenizer = try Tokenizer(.letters([]))
    #expect(throws: TokenizationError.unknownID(99, file: "test.json")) {
      try tokenizer.decode([0, 99])
    }
    #expect(throws: TokenizationError.unknownID(-1, file: "test.json")) {
      try tokenizer.decode([-1])
    }
  }

  @Test func theLongestAddedTokenWins() throws {
    typealias Added = TokenizerDescription.AddedToken
    let added = [
      Added(id: 100, content: "ab"), Added(id: 101, content: "abcd"),
      Added(id: 102, content: "bcde"),
    ]
    let tokenizer = try Tokenizer(.letters([], added: added))
    #expect(try tokenizer.encode("abcde abc") == [101, 4, 26, 100, 2])
  }

  @Test func specialTokensCanBeLeftOut() throws {
    var end = TokenizerDescription.AddedToken(id: 100, content: "</s>")
    end.special = true
    let tokenizer = try Tokenizer(.letters([], added: [end]))
    let ids = try tokenizer.encode("a</s>b")
    #expect(ids == [0, 100, 1])
    #expect(try tokenizer.decode(ids) == "a</s>b")
    #expect(try tokenizer.decode(ids, skipSpecialTokens: true) == "ab")
  }

  /// Many threads share one tokenizer, and with it one cache.
  @Test func threadsShareATokenizer() async throws {
    let tokenizer = try Tokenizer(.letters([("a", "b"), ("ab", "c"), ("x", "y")]))
    let texts = (0..<200).map { number in
      (0..<number).map { ["abc", "xy", "ab", "a b"][($0 * 7 + number) % 4] }.joined()
    }
    let expected = try texts.map { try tokenizer.encode($0) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask { try texts.map { try tokenizer.encode($0) } == expected }
      }
      for try await isEqual in group { #expect(isEqual) }
    }
  }

  /// More different words than the cache holds.
  @Test func theCacheForgets() throws {
    var description = TokenizerDescription.letters([("a", "b")])
    description.preTokenizers = [.whitespaceSplit]
    let tokenizer = try Tokenizer(description)
    let letters = Array("abcdefghijklmnopqrst")
    var words: [String] = []
    for a in letters {
      for b in letters {
        for c in letters {
          for d in letters {
            words.append(String([a, b, c, d]))
          }
        }
      }
    }
    let first = try tokenizer.encode("abab")
    let ids = try tokenizer.encode(words.joined(separator: " "))
    #expect(try ids == words.flatMap { try tokenizer.encode($0) })
    #expect(try tokenizer.encode("abab") == first)
  }

  @Test func messagesSayWhatToDo() {
    let error = TokenizationError.vocabularyTooLarge(
      file: "t.json",
      token: "a\u{1B}",
      id: 9,
      rows: 4
    )
    #expect(error.description.contains("\"a\\u{1b}\" has id 9"))
    #expect(error.description.contains("4 rows"))
    #expect("\(TokenizationError.invalidUTF8(offset: 7))".contains("byte 7"))
  }
}
