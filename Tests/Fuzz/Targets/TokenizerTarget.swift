internal import JSON
internal import Storage
internal import SystemPackage
package import TestSupport
internal import Tokenization

/// `tokenizer.json`.
package final class TokenizerTarget: FuzzTarget {
  package static let name = "tokenizer"
  package let seeds: [[UInt8]]

  private let json = JSONMutation(
    words: [
      "BPE", "WordPiece", "Unigram", "ByteLevel", "Sequence", "Split", "Metaspace", "Replace",
      "Prepend", "NFC", "NFKC", "NFD", "Strip", "Fuse", "ByteFallback", "Digits", "Regex", "String",
      "Isolated", "Removed", "MergedWithPrevious", "pattern", "behavior", "invert", "merges",
      "vocab", "unk_token", "<unk>", "byte_fallback", "ignore_merges", "fuse_unk", "dropout",
      "add_prefix_space", "use_regex", "trim_offsets", "prepend_scheme", "always", "first", "never",
      "(a+)+b", "(?:a|a)*c", "\\\\p{L}+", "[^\\\\s]", "(?i:x)", "x{2,3}", "x{1000000}", "(", "[",
      "\\\\",
      "(?=a)*", "(?!)", "^$", "\\\\p{Nope}", "((((a?)*)*)*)*", "\u{2581}", "\u{0120}a", "a b", "",
    ]
  )
  private static let texts = [
    "", " ", "Hello, world!  It's 1234 o'clock.\r\n\n",
    "caf\u{E9} cafe\u{301} \u{1F468}\u{200D}\u{1F469}",
    "<|endoftext|><s></s><unk>", "\u{0}\u{1}\u{7F}\u{10FFFF}", String(repeating: "ab ", count: 200),
    String(repeating: "a", count: 300),
    "\u{4F60}\u{597D} \u{D55C}\u{AD6D}\u{C5B4} \u{1112}\u{1161}\u{11AB}",
  ]

  package init(folder: String, fixtures: String) throws {
    seeds = try ["micro-qwen2moe", "tiny-mixtral"].map { name in
      let path = FilePath("\(fixtures)/models/\(name)/tokenizer.json")
      return TokenizerTarget.shortened(try JSONValue(parsing: try FileSystem.contents(of: path)))
    }
  }

  /// The same tokenizer with fewer words, so that thousands are tried in a minute.
  private static func shortened(_ json: JSONValue) -> [UInt8] {
    guard case .object(var root) = json, case .object(var model)? = root["model"],
      let vocabulary = model["vocab"]?.object
    else { return Array(json.text(pretty: false).utf8) }
    var kept = JSONObject()
    for (token, id) in vocabulary.members where (id.integer ?? 0) < 330 { kept[token] = id }
    model["vocab"] = .object(kept)
    let merges = (model["merges"]?.array ?? []).filter { merge in
      let pair =
        merge.array?.compactMap(\.string) ?? merge.string?.split(separator: " ").map(String.init)
        ?? []
      return pair.allSatisfy { kept[$0] != nil } && kept[pair.joined()] != nil
    }
    model["merges"] = .array(merges)
    root["model"] = .object(model)
    return Array(JSONValue.object(root).text(pretty: false).utf8)
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    var text = input
    json.apply(to: &text, using: &random)
    return text
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    // Where JSON ends is the scanner's business; the commands put the file's name before its error.
    let json: JSONValue
    do { json = try JSONValue(parsing: input) } catch is JSONError { return false } catch {
      throw BrokenProperty("an error of another kind: \(error)")
    }
    guard let tokenizer = try tokenizer(json) else { return false }
    let again = try must("reading what was written") {
      try build(JSONValue(parsing: Array(json.text(pretty: true).utf8)))
    }
    for text in TokenizerTarget.texts {
      guard let ids = try encode(text, tokenizer) else { continue }
      try require(try encode(text, again) == ids, "other ids after writing the tokenizer anew")
      for id in ids {
        try require(tokenizer.token(id) != nil, "\(id) is no token, yet came out of '\(text)'")
      }
      _ = try opening("tokenizer.json") { try tokenizer.decode(ids) }
    }
    return true
  }

  private func tokenizer(_ json: JSONValue) throws -> Tokenizer? {
    try opening("tokenizer.json") { try build(json) }
  }

  private func build(_ json: JSONValue) throws -> Tokenizer {
    try Tokenizer(try TokenizerDescription(json: json, file: "tokenizer.json"))
  }

  /// The ids, or nil where the tokenizer gives up on this text by name.
  private func encode(_ text: String, _ tokenizer: Tokenizer) throws -> [Int32]? {
    try opening("tokenizer.json") { try tokenizer.encode(text) }
  }
}
