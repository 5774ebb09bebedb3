import Fixtures
import GGUF
import Glibc
import JSON
import SystemPackage
import Tensors
import Testing

/// `convert --lora-base` and `evaluate --lora`.
@Suite struct LoRACommandTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func base(_ model: String, _ type: String = "Q4_0", as name: String = "base.gguf") throws
    -> String
  {
    let run = try Moepack.run(
      ["convert", model, "-o", scratch(name), "--type", type] + tokenizer(model)
    )
    #expect(run.status == 0, "\(run.complaint)")
    return scratch(name)
  }

  /// The tokenizer of llama.cpp's own conversion, where it is at hand; perplexities are of ids.
  private func tokenizer(_ model: String) -> [String] {
    let family = model.contains("mixtral") ? "tiny-mixtral-Q5_1" : "micro-qwen2moe-Q8_0"
    return Fixtures.shared("oracles/gguf/\(family).gguf").map { ["--tokenizer-from", $0] } ?? []
  }

  private func adapter(
    _ model: String,
    _ base: String,
    as name: String = "adapter.gguf",
    _ options: [String] = []
  ) throws -> JSONValue {
    let run = try Moepack.run(
      ["convert", model, "-o", scratch(name), "--lora-base", base, "--json", "--force"] + options
    )
    #expect(run.status == 0, "\(run.complaint)")
    return try JSONValue(parsing: run.output)
  }

  /// Windows of 64 ids of the held-out text.
  private func ids(_ model: String) throws -> String {
    let stream = try Moepack.json("tokenize", model, "--text", Sample.heldout, "--stream")
    let ids = try #require(stream["ids"]?.integers)
    return try scratch.write("ids.json", "\(Array(ids.prefix(1024)))")
  }

  private func perplexity(_ model: String, _ ids: String, lora: String? = nil) throws -> Double {
    let run = try Moepack.run(
      ["evaluate", model, "--ids", ids, "--context", "64", "--json"]
        + (lora.map { ["--lora", $0] } ?? [])
    )
    #expect(run.status == 0, "\(run.complaint)")
    return try #require(try JSONValue(parsing: run.output)["perplexity"]?.double)
  }

  @Test(
    "base and adapter give the same perplexity here and in llama.cpp, nearer to the source's",
    arguments: [Sample.micro, Sample.mixtral],
    ["F16", "Q8_0"]
  )
  func llama(model: String, type: String) throws {
    let base = try base(model)
    let json = try adapter(model, base, ["--lora-type", type, "--lora-rank", "32"])
    #expect((0.1...1).contains(json["lora"]?["share"]?.double ?? 0))
    let ids = try ids(model)
    let exact = try perplexity(model, ids)
    let low = try perplexity(base, ids)
    let both = try perplexity(base, ids, lora: scratch("adapter.gguf"))
    #expect(abs(both - exact) < abs(low - exact), "\(exact), \(low), with the adapter \(both)")
    guard LlamaReference.isThere else { return }
    let llama = try #require(
      try LlamaReference.perplexity(base, ids: ids, context: 64, lora: scratch("adapter.gguf"))
    )
    #expect(abs(llama / both - 1) < 0.01, "\(llama) in llama.cpp, \(both) here")
  }

  @Test("at full rank in F32 the experts are the source's again")
  func fullRank() throws {
    // Everything but the experts stays F32, so nothing else is lost.
    try Moepack.succeed(
      "convert",
      Sample.micro,
      "-o",
      scratch("base.gguf"),
      "--type",
      "F32",
      "--type-for",
      "_exps=Q4_0"
    )
    let ids = try ids(Sample.micro)
    let json = try adapter(
      Sample.micro,
      scratch("base.gguf"),
      ["--lora-rank", "1000", "--lora-type", "F32"]
    )
    #expect(json["lora"]?["rank"]?.integer == 64)
    #expect(abs((json["lora"]?["share"]?.double ?? 0) - 1) < 1e-4)
    let exact = try perplexity(Sample.micro, ids)
    let both = try perplexity(scratch("base.gguf"), ids, lora: scratch("adapter.gguf"))
    #expect(abs(both / exact - 1) < 1e-4, "\(both) with the adapter, \(exact) of the source")
    #expect(try abs(perplexity(scratch("base.gguf"), ids) / exact - 1) > 1e-4)
  }

  @Test("keys and tensors are those that llama.cpp asks for, ranks padded with zeros to 32")
  func layout() throws {
    let base = try base(Sample.mixtral)
    _ = try adapter(Sample.mixtral, base, ["--lora-rank", "20", "--lora-type", "F32"])
    let model = try GGUFCollection(FilePath(scratch("adapter.gguf")))
    let keys = model.metadata
    #expect(keys["general.type"]?.string == "adapter" && keys["adapter.type"]?.string == "lora")
    #expect(keys["general.architecture"]?.string == "llama")
    #expect(keys["adapter.lora.alpha"] == .float32(32))
    #expect(model.tensors.count == 4 * 3 * 2)
    let a = try #require(
      model.tensors.firstIndex { $0.name == "blk.0.ffn_down_exps.weight.lora_a" }
    )
    #expect(model.tensors[a].shape == [8, 32, 256])
    #expect(model.tensors[a + 1].name == "blk.0.ffn_down_exps.weight.lora_b")
    #expect(model.tensors[a + 1].shape == [8, 128, 32])
    var row = [UInt8](repeating: 1, count: 256 * 4)
    for (number, isZero) in [(19, false), (20, true), (31, true), (32 + 19, false)] {
      try row.withUnsafeMutableBytes {
        try model.read(tensor: a, bytes: number * 1024..<(number + 1) * 1024, into: $0)
      }
      #expect(row.allSatisfy { $0 == 0 } == isZero, "row \(number)")
    }
  }

  @Test("the same bytes from one thread and from four, and from a pack")
  func repeatable() throws {
    let base = try base(Sample.micro)
    _ = try adapter(Sample.micro, base, as: "one.gguf", ["--threads", "1"])
    let one = try ScratchFolder.bytes(of: scratch("one.gguf"))
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("micro-qwen2moe.moepack"))
    let name = Sample.micro.split(separator: "/").last.map(String.init) ?? ""
    _ = try adapter(scratch("\(name).moepack"), base, as: "two.gguf", ["--threads", "4"])
    #expect(try ScratchFolder.bytes(of: scratch("two.gguf")) == one)
  }

  @Test("a compressed pack gives an adapter over a base made of it")
  func compressed() throws {
    try Sample.compressUniformly(to: scratch("c.moepack"))
    let base = try base(scratch("c.moepack"))
    _ = try adapter(scratch("c.moepack"), base)
    let ids = try ids(Sample.micro)
    let both = try perplexity(base, ids, lora: scratch("adapter.gguf"))
    let exact = try perplexity(scratch("c.moepack"), ids)
    #expect(abs(both / exact - 1) < 0.1)
    guard LlamaReference.isThere else { return }
    let llama = try #require(
      try LlamaReference.perplexity(base, ids: ids, context: 64, lora: scratch("adapter.gguf"))
    )
    #expect(abs(llama / both - 1) < 0.01, "\(llama) in llama.cpp, \(both) here")
    // The whole model has other experts.
    try Moepack.fail(
      1,
      saying: ["layer 0 has", "--plan"],
      ["convert", Sample.micro, "-o", scratch("x.gguf"), "--lora-base", base]
    )
  }

  @Test("a base that lost nothing is told of, and gives an adapter of zeros")
  func nothingLost() throws {
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("base.gguf"))
    let run = try Moepack.run([
      "convert", Sample.micro, "-o", scratch("adapter.gguf"), "--lora-base", scratch("base.gguf"),
    ])
    #expect(run.status == 0 && run.complaint.contains("adds nothing"), "\(run.complaint)")
  }

  @Test("what does not fit is refused, with the reason and what helps")
  func refusals() throws {
    let base = try base(Sample.micro)
    let other = try self.base(Sample.mixtral, as: "other.gguf")
    let out = ["-o", scratch("x.gguf")]
    func refuse(_ words: [String], _ arguments: [String], status: Int32 = 1) throws {
      try Moepack.fail(status, saying: words, arguments)
    }
    let convert = ["convert", Sample.micro] + out + ["--lora-base"]
    try refuse(["family", "made from the same model"], convert + [other])
    try refuse(["is no GGUF file"], convert + [Sample.micro])
    try refuse(["--lora-type"], convert + [base, "--type", "Q8_0"], status: 64)
    try refuse(["--split-max-tensors"], convert + [base, "--split-max-tensors", "2"], status: 64)
    try refuse(["none of F16"], convert + [base, "--lora-type", "Q4_0"], status: 64)
    try refuse(["--lora-base"], ["convert", Sample.micro, "--lora-rank", "8"] + out, status: 64)
    _ = try adapter(Sample.micro, base)
    let adapter = scratch("adapter.gguf")
    func evaluate(_ model: String, _ lora: String) -> [String] {
      ["evaluate", model, "--text", Sample.heldout, "--tokens", "64", "--context", "64"]
        + ["--lora", lora]
    }
    try refuse(["general.architecture", "another family"], evaluate(other, adapter))
    try refuse(["general.type", "expected 'adapter'"], evaluate(base, base))
    try refuse(["is an adapter and no model", "--lora"], evaluate(adapter, adapter))
  }

  @Test("no file that is read is overwritten, not even another split of the base")
  func inputsStay() throws {
    try Moepack.succeed(
      "convert",
      Sample.micro,
      "-o",
      scratch("b.gguf"),
      "--type",
      "Q4_0",
      "--split-max-tensors",
      "50"
    )
    let before = try ScratchFolder.bytes(of: scratch("b-00001-of-00002.gguf"))
    // By its name as a split, and by a link that hides it.
    symlink(scratch("b-00001-of-00002.gguf"), scratch("link.gguf"))
    let base = ["--lora-base", scratch("b-00002-of-00002.gguf"), "--force"]
    try Moepack.fail(64, ["convert", Sample.micro, "-o", scratch("b-00001-of-00002.gguf")] + base)
    try Moepack.fail(
      1,
      saying: ["link.gguf", "output is the input"],
      ["convert", Sample.micro, "-o", scratch("link.gguf")] + base
    )
    #expect(try ScratchFolder.bytes(of: scratch("b-00001-of-00002.gguf")) == before)
  }

  @Test("a base of factors is refused")
  func factoredBase() throws {
    try Moepack.succeed(
      ["compress", Sample.micro, "-o", scratch("c.moepack"), "--prune", "0"] + Sample.short
    )
    try Moepack.succeed("convert", scratch("c.moepack"), "-o", scratch("f.gguf"), "--factored")
    try Moepack.fail(
      1,
      saying: ["f.gguf", "factors", "ordinary .gguf"],
      ["convert", Sample.micro, "-o", scratch("x.gguf"), "--lora-base", scratch("f.gguf")]
    )
  }

  @Test("--dry-run says how much is written, and writes nothing")
  func dryRun() throws {
    let base = try base(Sample.micro)
    let dry = try adapter(Sample.micro, base, ["--dry-run"])
    #expect(try !ScratchFolder.names(in: scratch.path).contains("adapter.gguf"))
    let json = try adapter(Sample.micro, base)
    #expect(dry["bytes"] == json["bytes"] && dry["tensors"] == json["tensors"])
    let bytes = try ScratchFolder.bytes(of: scratch("adapter.gguf")).count
    #expect(json["bytes"]?.integer == bytes)
    #expect((dry["estimatedPeakMemory"]?.integer ?? 0) > (json["peakMemory"]?.integer ?? .max))
  }
}
