import Fixtures
import TestSupport
import Testing

extension BadInput {
  /// Text for a model with a tokenizer.
  private static func text(
    _ name: String,
    _ file: String,
    _ bytes: [UInt8],
    saying words: String...
  ) -> BadInput {
    BadInput(name, words + [file]) { place in
      try place.folder.write(bytes, to: file)
      return [
        ["evaluate", Sample.micro, "--text", place(file)],
        ["compress", Sample.micro, "-o", place("out.moepack"), "--calibration", place(file)],
        ["plan", Sample.micro, "-o", place("out.json"), "--calibration", place(file)],
        ["calibrate", Sample.micro, "-o", place("out.safetensors"), "--calibration", place(file)],
      ]
    }
  }

  /// Ids for a model of sixteen tokens.
  private static func ids(_ name: String, _ text: String, saying words: String...) -> BadInput {
    BadInput(name, words + ["ids.json"]) { place in
      try place.write()
      try place.folder.write(text, to: "ids.json")
      return place.using()
    }
  }

  /// The micro model with another tokenizer.json.
  private static func tokenizer(
    _ name: String,
    saying words: String...,
    change: @escaping @Sendable (String) -> String
  ) -> BadInput {
    BadInput(name, words + ["tokenizer.json"]) { place in
      for file in try ScratchFolder.names(in: Sample.micro) {
        try place.folder.write(
          try ScratchFolder.bytes(of: "\(Sample.micro)/\(file)"),
          to: "model/\(file)"
        )
      }
      let text = String(
        decoding: try ScratchFolder.bytes(of: "\(Sample.micro)/tokenizer.json"),
        as: UTF8.self
      )
      let changed = change(text)
      try #require(changed != text)
      try place.folder.write(changed, to: "model/tokenizer.json")
      return [
        ["tokenize", place("model"), "--text", Sample.heldout],
        ["evaluate", place("model"), "--text", Sample.heldout],
        ["compress", place("model"), "-o", place("out.moepack")],
      ]
    }
  }

  /// Texts, ids and tokenizers that cannot be used.
  static let texts: [BadInput] = [
    text("empty text", "a.txt", []),
    text("a text of blank lines", "a.jsonl", Array("\n\n".utf8)),
    text("a text shorter than a window", "a.txt", Array("just a few words".utf8), saying: "512"),
    text("text that is not UTF-8", "a.txt", Array("fine ".utf8) + [0xC3, 0x28], saying: "UTF-8"),
    text(
      "a line that is not UTF-8",
      "a.jsonl",
      Array("{\"text\":\"fine\"}\n{\"text\":\"".utf8) + [0xED, 0xA0, 0x80] + Array("\"}\n".utf8),
      saying: "line 2",
      "UTF-8"
    ),
    text("a line that is no object", "a.jsonl", Array("[]\n".utf8), saying: "line 1"),
    text("a line without text", "a.jsonl", Array("{\"txt\":\"a\"}\n".utf8), saying: "line 1"),
    text("text by another name", "a.pdf", Array("words".utf8)),
    ids("no ids", ""),
    ids("ids in an object", #"{"ids":[1,2]}"#),
    ids("a negative id", "[1,-2]"),
    ids("an id with a fraction", "[1,2.5]"),
    ids("an id past the vocabulary", "[0,1,2,3,4,5,6,16]", saying: "16"),
    ids("an id past 2^63", "[9223372036854775808]"),
    ids("fewer ids than a window", "[1,2,3]", saying: "8"),
    ids("ids cut short", "[1,2,3,4,5,6,7,8"),
    tokenizer("an empty tokenizer") { _ in "" },
    tokenizer("a tokenizer cut short", saying: "byte") { String($0.prefix(5000)) },
    tokenizer("a tokenizer that is a list", saying: "object") { _ in "[]" },
    tokenizer("a tokenizer without a vocabulary", saying: "vocab") {
      $0.replacing("\"vocab\"", with: "\"words\"")
    },
    tokenizer("another kind of model", saying: "Unigram", "BPE") {
      $0.replacing("\"type\": \"BPE\"", with: "\"type\": \"Unigram\"")
    },
    tokenizer("an unknown normalizer", saying: "Nmt") { $0.replacing("\"NFC\"", with: "\"Nmt\"") },
    tokenizer("a token past the vocabulary's rows", saying: "999999", "1024") {
      $0.replacing(": 300,", with: ": 999999,")
    },
    BadInput("a tokenizer of another model", saying: "tokenizer.json") { place in
      for file in try ScratchFolder.names(in: Sample.micro) {
        let source = file.hasPrefix("tokenizer") ? Sample.mixtral : Sample.micro
        try place.folder.write(
          try ScratchFolder.bytes(of: "\(source)/\(file)"),
          to: "model/\(file)"
        )
      }
      return [["evaluate", place("model"), "--text", Sample.heldout]]
    },
    BadInput("no tokenizer where text is given", saying: "tokenizer.json") { place in
      try place.write()
      return [
        ["evaluate", place("model"), "--text", Sample.heldout],
        ["tokenize", place("model"), "--text", Sample.heldout],
      ]
    },
  ]
}
