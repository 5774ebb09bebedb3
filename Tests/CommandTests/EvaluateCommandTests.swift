import Fixtures
import JSON
import Testing

/// `evaluate`: keys, options, and what it refuses.
@Suite struct EvaluateCommandTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  static let text = ["--text", Sample.heldout, "--tokens", "256", "--context", "64"]

  private func evaluate(_ model: String, _ options: [String] = text) throws -> JSONValue {
    let run = try Moepack.run(["evaluate", model, "--json"] + options)
    #expect(run.status == 0, "\(run.complaint)")
    return try JSONValue(parsing: run.output)
  }

  @Test("the JSON has the keys of the interface")
  func keys() throws {
    let json = try evaluate(Sample.mixtral)
    let keys = ["perplexity", "scoredTokens", "windows", "context", "text", "bos", "eos"]
    #expect(Set(json.keys).isSuperset(of: keys))
    #expect(json["scoredTokens"]?.integer == 4 * 63 && json["windows"]?.integer == 4)
    #expect(json["context"]?.integer == 64)
    #expect(json["text"]?.string == Sample.heldout)
    #expect(json["bos"]?.integer == 1 && json["eos"]?.integer == 2)
    #expect(json["against"] == nil)
    let micro = try evaluate(Sample.micro)
    #expect(micro["bos"]?.isNull == true && micro["eos"]?.integer == 0)
  }

  @Test("--against a model or saved logits gives the same comparison")
  func against() throws {
    let pack = try Compressed.pack()
    let options = EvaluateCommandTests.text
    let saved = scratch("l.safetensors")
    let plain = try evaluate(Sample.micro, options + ["--save-logits", saved])
    let model = try evaluate(pack, options + ["--against", Sample.micro])
    let logits = try evaluate(pack, options + ["--against", saved])
    let comparison = try #require(model["against"])
    #expect(Set(comparison.keys).isSuperset(of: ["perplexity", "meanKL", "top1Agreement"]))
    #expect(comparison == logits["against"])
    #expect(comparison["perplexity"] == plain["perplexity"])
    #expect((comparison["meanKL"]?.double ?? -1) > 0)
    #expect((0..<1).contains(comparison["top1Agreement"]?.double ?? -1))
  }

  @Test("ids in place of text give the same perplexity and null for text, bos and eos")
  func ids() throws {
    let stream = try Moepack.json("tokenize", Sample.micro, "--text", Sample.heldout, "--stream")
    let ids = try #require(stream["ids"]?.integers)
    let file = try scratch.write("ids.json", "\(ids.prefix(300))")
    let byIDs = try evaluate(Sample.micro, ["--ids", file, "--tokens", "256", "--context", "64"])
    let byText = try evaluate(Sample.micro)
    #expect(byIDs["perplexity"] == byText["perplexity"])
    for key in ["text", "bos", "eos"] { #expect(byIDs[key]?.isNull == true, "\(key)") }
  }

  @Test("--context 1 scores nothing, and its perplexity is null")
  func contextOne() throws {
    let json = try evaluate(
      Sample.micro,
      ["--text", Sample.heldout, "--tokens", "3", "--context", "1"]
    )
    #expect(json["perplexity"]?.isNull == true && json["scoredTokens"]?.integer == 0)
    #expect(json["windows"]?.integer == 3)
    try Moepack.succeed(
      "evaluate",
      Sample.micro,
      "--text",
      Sample.heldout,
      "--tokens",
      "3",
      "--context",
      "1"
    )
  }

  @Test("a text with fewer tokens than asked for is used whole, with a warning")
  func shortfall() throws {
    let text = try scratch.write("a.txt", String(repeating: "the cat sat on the mat. ", count: 40))
    let run = try Moepack.succeed(
      "evaluate",
      Sample.micro,
      "--text",
      text,
      "--context",
      "32",
      "--tokens",
      "100000",
      "--json"
    )
    #expect(run.complaint.contains("warning") && run.complaint.contains("--tokens"))
    let all = try Moepack.succeed(
      "evaluate",
      Sample.micro,
      "--text",
      text,
      "--context",
      "32",
      "--json"
    )
    #expect(!all.complaint.contains("warning"))
    let (a, b) = (try JSONValue(parsing: run.output), try JSONValue(parsing: all.output))
    #expect(a["perplexity"] == b["perplexity"] && a["windows"] == b["windows"])
  }

  @Test("a safetensors file as reference that holds other windows is refused")
  func otherLogits() throws {
    let saved = scratch("l.safetensors")
    _ = try evaluate(Sample.micro, EvaluateCommandTests.text + ["--save-logits", saved])
    try Moepack.fail(
      1,
      saying: ["l.safetensors"],
      [
        "evaluate", Sample.micro, "--text", Sample.heldout, "--tokens", "128", "--context", "64",
        "--against", saved,
      ]
    )
    try Moepack.fail(
      1,
      saying: ["vocabular"],
      ["evaluate", Sample.micro] + EvaluateCommandTests.text + ["--against", Sample.mixtral]
    )
  }

  @Test("a promise of memory that is kept changes no digit and leaves nothing behind")
  func keepsPromise() throws {
    try scratch.makeFolder("work")
    let options = ["--text", Sample.heldout, "--tokens", "8192", "--context", "512"]
    let plain = try evaluate(Sample.micro, options)
    let dry = try evaluate(Sample.micro, options + ["--dry-run"])
    let estimate = try #require(dry["estimatedPeakMemory"]?.integer)
    let promised = try evaluate(
      Sample.micro,
      options + ["--memory", "\(estimate)", "--work-directory", scratch("work")]
    )
    #expect(plain["perplexity"] == promised["perplexity"] && plain["perplexity"]?.double != nil)
    #expect((promised["peakMemory"]?.integer ?? .max) <= estimate)
    #expect(try ScratchFolder.names(in: scratch("work")).isEmpty)
  }

  @Test("a promise of memory that cannot be kept is refused before anything is done")
  func tooLittleMemory() throws {
    try Moepack.fail(
      1,
      saying: ["--memory"],
      ["evaluate", Sample.micro, "--memory", "1MB"] + EvaluateCommandTests.text
    )
  }

  @Test("a tensor without a role stops it, unless --ignore names it")
  func ignore() throws {
    let model = try Sample.copy(in: scratch)
    try Strange.addTensor("model.extra.weight", to: "\(model)/model.safetensors", scratch)
    try Moepack.fail(
      1,
      saying: ["model.extra.weight", "--ignore"],
      ["evaluate", model] + EvaluateCommandTests.text
    )
    let json = try evaluate(model, EvaluateCommandTests.text + ["--ignore", "extra"])
    #expect(json["perplexity"] == (try evaluate(Sample.micro))["perplexity"])
  }
}

/// Changes that make a model odd.
enum Strange {
  /// Puts a tensor of four numbers more into a safetensors file.
  static func addTensor(_ name: String, to path: String, _ scratch: ScratchFolder) throws {
    let bytes = try ScratchFolder.bytes(of: path)
    let count = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let end = bytes.count - 8 - count
    let text = String(decoding: bytes[8..<8 + count], as: UTF8.self)
    guard let brace = text.lastIndex(of: "}") else { return }
    let header = Array(
      (text[..<brace]
        + ",\"\(name)\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[\(end),\(end + 16)]}}")
        .utf8
    )
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    let relative = String(path.dropFirst(scratch.path.count + 1))
    try scratch.write(
      relative,
      length + header + bytes[(8 + count)...] + [UInt8](repeating: 0, count: 16)
    )
  }
}
