import Fixtures
import GGUF
import Glibc
import ImportanceMatrix
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Options of a GGUF output, and what of a source GGUF cannot take.
@Suite struct GGUFOptionTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private static let q8 = Fixtures.path("oracles/gguf/micro-qwen2moe-Q8_0.gguf")

  private func metadata(_ name: String) throws -> GGUFMetadata {
    try GGUFCollection(FilePath(scratch(name))).metadata
  }

  /// Writes a model of a few kilobytes into a folder.
  private func write(_ model: TinyModel, as name: String = "model") throws -> String {
    let folder = try TemporaryDirectory()
    try model.write(to: folder, at: name)
    return try scratch.copy(folder(name).string, as: name)
  }

  @Test("without a tokenizer the size of the vocabulary is a key", arguments: [Sample.micro, q8])
  func noTokenizer(source: String) throws {
    try Moepack.succeed("convert", source, "-o", scratch("x.gguf"), "--no-tokenizer")
    let keys = try metadata("x.gguf")
    #expect(keys["qwen2moe.vocab_size"] == .uint32(1024))
    #expect(keys["tokenizer.ggml.model"] == .string("none"))
    #expect(keys["tokenizer.ggml.tokens"] == nil)
    // What has none is not written on in silence.
    try Moepack.fail(
      1,
      saying: ["--tokenizer-from", "--no-tokenizer"],
      ["convert", scratch("x.gguf"), "-o", scratch("y.gguf"), "--factored"]
    )
  }

  @Test("a tokenizer of another size than the embedding is refused with both numbers")
  func foreignTokenizer() throws {
    try Moepack.succeed("convert", Sample.mixtral, "-o", scratch("m.gguf"))
    for source in [Sample.micro, GGUFOptionTests.q8] {
      try Moepack.fail(
        1,
        saying: ["m.gguf", "1024"],
        ["convert", source, "-o", scratch("x.gguf"), "--tokenizer-from", scratch("m.gguf")]
      )
    }
    #expect(try ScratchFolder.names(in: scratch.path) == ["m.gguf"])
  }

  @Test("--pre names the pre-tokenizer of a file made from GGUF, too")
  func pre() throws {
    let line = ["convert", GGUFOptionTests.q8, "-o", scratch("x.gguf"), "--pre"]
    try Moepack.fail(64, saying: ["--pre", "nonsense", "llama-bpe"], line + ["nonsense"])
    try Moepack.succeed(line + ["llama-bpe"])
    #expect(try metadata("x.gguf")["tokenizer.ggml.pre"] == .string("llama-bpe"))
  }

  @Test("importance that has no part in the output is refused")
  func idleImportance() throws {
    try Moepack.succeed(
      ["calibrate", Sample.micro, "-o", scratch("s.safetensors"), "--imatrix", scratch("m.gguf")]
        + Sample.short
    )
    let line = ["-o", scratch("x.gguf"), "--imatrix", scratch("m.gguf"), "--type"]
    try Moepack.fail(
      1,
      saying: ["m.gguf", "nothing is quantised"],
      ["convert", Sample.micro] + line + ["F16"]
    )
    try Moepack.fail(
      1,
      saying: ["m.gguf"],
      ["convert", Sample.mixtral] + line + ["Q4_0"]
    )
    try Moepack.succeed(["convert", Sample.micro] + line + ["Q4_0"])
    // Nor may it be overwritten.
    try Moepack.fail(
      1,
      saying: ["output is the input"],
      ["convert", Sample.micro, "-o", scratch("m.gguf"), "--force", "--type", "Q4_0"]
        + ["--imatrix", scratch("m.gguf")]
    )
  }

  @Test("splits are named in the report; any name will do with --to gguf")
  func names() throws {
    let report = try Moepack.json(
      "convert",
      Sample.micro,
      "-o",
      scratch("x.gguf"),
      "--split-max-tensors",
      "50"
    )
    let files = (report["files"]?.array ?? []).compactMap(\.string)
    #expect(files == ["x-00001-of-00002.gguf", "x-00002-of-00002.gguf"].map { scratch($0) })
    #expect(report["output"]?.string == files.first)
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("model.bin"), "--to", "gguf")
    #expect(
      try GGUFCollection(FilePath(scratch("model.bin"))).tensors.count
        == report["tensors"]?.integer
    )
  }

  @Test("a value whose blocks would have an infinite scale is refused for every type")
  func infiniteScales() throws {
    var model = TinyModel.mixtral(type: .f32)
    let name = "model.layers.1.self_attn.o_proj.weight"
    let place = try #require(model.tensors.firstIndex { $0.name == name })
    // Rows of 256, in one of them a number past the reach of a half.
    model.tensors[place] = RawTensor(
      name,
      .f32,
      [8, 256],
      [UInt8](repeating: 0, count: 4 * 2000) + .littleEndian(Float(1e9).bitPattern)
        + [UInt8](repeating: 0, count: 4 * 47)
    )
    model.set("num_attention_heads", 2)
    model.set("head_dim", 128)
    for part in ["q_proj", "k_proj", "v_proj"] {
      for layer in 0..<2 {
        let name = "model.layers.\(layer).self_attn.\(part).weight"
        model.remove(name)
        let rows = part == "q_proj" ? 256 : 128
        model.tensors.append(
          RawTensor(name, .f32, [rows, 8], [UInt8](repeating: 0, count: 4 * 8 * rows))
        )
      }
    }
    let other = "model.layers.0.self_attn.o_proj.weight"
    model.remove(other)
    model.tensors.append(RawTensor(other, .f32, [8, 256], [UInt8](repeating: 0, count: 4 * 2048)))
    let folder = try write(model)
    let line = ["convert", folder, "-o", scratch("x.gguf"), "--no-tokenizer", "--force"]
    for type in ["F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K"]
      + ["Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0"]
    {
      try Moepack.fail(
        1,
        saying: ["blk.1.attn_output.weight", "too large for \(type)", "F32"],
        line + ["--type-for", "attn_output=\(type)"]
      )
    }
    try Moepack.succeed(line + ["--type-for", "attn_output=BF16"])
    try Moepack.succeed("verify", "--deep", scratch("x.gguf"))
  }

  @Test("a stack of experts of several types has the one that holds them all")
  func mixedStack() throws {
    var model = TinyModel.mixtral(type: .bf16)
    let name = "model.layers.0.block_sparse_moe.experts.2.w1.weight"
    let old = try #require(model[name])
    model.remove(name)
    let values = (0..<48).map { Float($0) / 7 }
    model.tensors.append(
      RawTensor(name, .f32, old.shape, values.flatMap { [UInt8].littleEndian($0.bitPattern) })
    )
    try Moepack.succeed("convert", try write(model), "-o", scratch("x.gguf"), "--no-tokenizer")
    let file = try GGUFCollection(FilePath(scratch("x.gguf")))
    let stack = try #require(file.tensors.firstIndex { $0.name == "blk.0.ffn_gate_exps.weight" })
    #expect(file.tensors[stack].type == .f32)
    var bytes = [UInt8](repeating: 0, count: file.tensors[stack].byteCount)
    try bytes.withUnsafeMutableBytes { try file.read(tensor: stack, bytes: 0..<$0.count, into: $0) }
    let own = (96..<144).map { Float(bitPattern: bytes.integer(UInt32.self, at: 4 * $0)) }
    #expect(own == values)
    let next = try #require(file.tensors.first { $0.name == "blk.0.ffn_up_exps.weight" })
    #expect(next.type == .bf16)
  }

  /// The Q8_0 oracle with one tensor more, which has no role.
  private func strayTensor(_ name: String = "stray.weight") throws -> String {
    let model = try GGUFCollection(FilePath(GGUFOptionTests.q8))
    let layouts = model.tensors.map {
      TensorLayout(name: $0.name, type: $0.type, shape: $0.shape)
    }
    let writer = try GGUFWriter(
      try GGUFShardPlan(
        destination: FilePath(scratch("stray.gguf")),
        metadata: model.metadata,
        tensors: layouts + [TensorLayout(name: name, type: .f32, shape: [16])]
      )
    )
    for index in layouts.indices {
      var bytes = [UInt8](repeating: 0, count: model.tensors[index].byteCount)
      try bytes.withUnsafeMutableBytes {
        try model.read(tensor: index, bytes: 0..<$0.count, into: $0)
        try writer.write(UnsafeRawBufferPointer($0), tensor: index, at: 0)
      }
    }
    try [UInt8](repeating: 0, count: 64).withUnsafeBytes {
      try writer.write($0, tensor: layouts.count, at: 0)
    }
    try writer.finish()
    return scratch("stray.gguf")
  }

  @Test("--ignore leaves tensors without a role out of GGUF, and says which")
  func ignore() throws {
    var model = TinyModel.mixtral()
    model.tensors.append(RawTensor("extra.weight", .bf16, [4], [UInt8](repeating: 0, count: 8)))
    let line = ["convert", try write(model), "-o", scratch("x.gguf"), "--no-tokenizer"]
    try Moepack.fail(1, saying: ["extra.weight", "--ignore"], line)
    let run = try Moepack.run(line + ["--ignore", "^extra", "--json"])
    let left = try JSONValue(parsing: run.output)["leftOut"]
    #expect(left?[0]?["path"]?.string == "extra.weight" && left?[0]?["bytes"]?.integer == 8)
    let written = try GGUFCollection(FilePath(scratch("x.gguf")))
    #expect(!written.tensors.contains { $0.name.contains("extra") })
    // From GGUF to GGUF it is the same; tensors that have a role stay.
    let stray = try GGUFCollection(FilePath(try strayTensor()))
    let again = ["convert", scratch("stray.gguf"), "-o", scratch("y.gguf")]
    try Moepack.succeed(again)
    #expect(try GGUFCollection(FilePath(scratch("y.gguf"))).tensors.count == stray.tensors.count)
    let report = try Moepack.succeed(again + ["--force", "--ignore", ".*", "--json"])
    #expect(try JSONValue(parsing: report.output)["leftOut"]?[0]?["path"] == "stray.weight")
    let names = try GGUFCollection(FilePath(scratch("y.gguf"))).tensors.map(\.name)
    #expect(names == stray.tensors.map(\.name).filter { $0 != "stray.weight" })
  }

  @Test("scales of weights cannot be ignored: the values would be wrong")
  func ignoredScales() throws {
    var model = TinyModel.mixtral()
    let name = "model.layers.0.block_sparse_moe.experts.0.w1.weight_scale_inv"
    model.tensors.append(RawTensor(name, .f32, [1, 1], .littleEndian(Float(2).bitPattern)))
    let folder = try write(model)
    let ids = try scratch.write("ids.json", "\(Array(repeating: 3, count: 64))")
    try Moepack.fail(
      1,
      saying: [name, "BF16"],
      ["evaluate", folder, "--ids", ids, "--context", "16", "--ignore", "scale_inv"]
    )
    try Moepack.succeed("verify", folder)
  }

  @Test("a family that is not known does not become a folder without its configuration")
  func unknownFamily() throws {
    let file = RawGGUF.sound([("blk.0.attn_q.weight", [4, 4])])
    try scratch.write("x.gguf", file.bytes)
    for output in ["folder", "x.safetensors"] {
      try Moepack.fail(
        1,
        saying: ["x.gguf", "'test' is not a family"],
        ["convert", scratch("x.gguf"), "-o", scratch(output)]
      )
    }
    #expect(try ScratchFolder.names(in: scratch.path) == ["x.gguf"])
  }

  @Test("a factor of the rotary embedding counts only where scaling is on")
  func ropeScaling() throws {
    func perplexity(_ model: String) throws -> Double? {
      let line = ["evaluate", model, "--text", Sample.heldout, "--tokens", "512", "--json"]
      return try JSONValue(parsing: Moepack.run(line).output)["perplexity"]?.double
    }
    func edited(_ changes: String...) throws -> Double? {
      try Moepack.succeed(
        ["edit", GGUFOptionTests.q8, "-o", scratch("x.gguf"), "--force"]
          + changes.flatMap { ["--set", "qwen2moe.rope.\($0)"] }
      )
      return try perplexity(scratch("x.gguf"))
    }
    let plain = try #require(try perplexity(GGUFOptionTests.q8))
    let factor = "scaling.factor:f32=4"
    #expect(try edited("scaling.type:str=none", factor) == plain)
    let scaled = try #require(try edited("scaling.type:str=linear", factor))
    #expect(scaled > plain)
    #expect(try edited(factor) == scaled)
  }

  @Test("verify reads the tokenizer's keys")
  func brokenTokenizer() throws {
    try Moepack.succeed(
      "edit",
      GGUFOptionTests.q8,
      "-o",
      scratch("x.gguf"),
      "--set",
      "tokenizer.ggml.tokens:str=x"
    )
    let run = try Moepack.run(["verify", scratch("x.gguf")])
    #expect(run.status == 1)
    #expect(String(decoding: run.output, as: UTF8.self).contains("tokenizer.ggml.tokens"))
  }

  @Test("the size in a name holds only while its experts do")
  func sizeLabel() throws {
    let model = try scratch.copy(Sample.micro, as: "Foo-16x2B")
    try Moepack.succeed("convert", model, "-o", scratch("x.gguf"))
    #expect(try metadata("x.gguf")["general.size_label"] == .string("16x2B"))
    try Moepack.succeed(
      ["plan", model, "-o", scratch("p.json"), "--uniform", "--prune", "0.5"] + Sample.short
    )
    try Moepack.succeed("convert", model, "-o", scratch("y.gguf"), "--plan", scratch("p.json"))
    let label = try #require(try metadata("y.gguf")["general.size_label"]?.string)
    #expect(label.hasPrefix("8x") && !label.hasSuffix("2B"), "\(label)")
  }

  @Test("weights that cannot have the type asked for are told, with what they become")
  func unfilled() throws {
    let run = try Moepack.run(
      ["convert", Sample.micro, "-o", scratch("x.gguf"), "--type", "Q4_K_M"]
    )
    #expect(run.status == 0)
    #expect(run.complaint.contains("do not fill the blocks of Q4_K and become Q5_0"))
    let whole = try Moepack.run(
      ["convert", Sample.micro, "-o", scratch("y.gguf"), "--type", "Q8_0"]
    )
    #expect(!whole.complaint.contains("blocks"))
  }

  @Test("weights that an importance matrix does not know are told")
  func importanceOfSome() throws {
    let entry = ImportanceMatrix.Entry(
      name: "blk.0.attn_q.weight",
      sums: [Float](repeating: 2, count: 96),
      counts: [4]
    )
    try ImportanceMatrix(datasets: ["a"], chunkCount: 1, chunkSize: 512, entries: [entry])
      .write(to: FilePath(scratch("m.gguf")))
    let run = try Moepack.run(
      ["convert", Sample.micro, "-o", scratch("x.gguf"), "--type", "Q4_0"]
        + ["--imatrix", scratch("m.gguf")]
    )
    #expect(run.status == 0)
    #expect(run.complaint.contains("m.gguf: has no entry of blk.0."))
  }

  @Test("--type-for says what is wrong with it")
  func typeFor() throws {
    for (argument, words) in [
      ("abc", ["REGEX=TYPE"]), ("[=F16", ["regular expression"]), ("a=Q9_9", ["Q9_9", "Q4_K"]),
    ] {
      try Moepack.fail(
        64,
        saying: words,
        ["convert", Sample.micro, "-o", scratch("x.gguf"), "--type-for", argument]
      )
    }
  }

  @Test("a file without a base of the rotary embedding has llama.cpp's")
  func rotaryBase() throws {
    try Moepack.succeed("convert", Sample.mixtral, "-o", scratch("m.gguf"))
    try Moepack.succeed(
      "edit",
      scratch("m.gguf"),
      "-o",
      scratch("n.gguf"),
      "--remove",
      "llama.rope.freq_base"
    )
    try Moepack.succeed(
      "edit",
      scratch("m.gguf"),
      "-o",
      scratch("o.gguf"),
      "--set",
      "llama.rope.freq_base=10000"
    )
    func perplexity(_ name: String) throws -> JSONValue? {
      try Moepack.json("evaluate", scratch(name), "--text", Sample.heldout, "--tokens", "512")[
        "perplexity"
      ]
    }
    #expect(try perplexity("n.gguf") == perplexity("o.gguf"))
  }

  @Test("FP8 weights become BF16 where that is asked for, but not without their scales")
  func smallFloats() throws {
    var model = TinyModel.mixtral()
    let name = "model.layers.0.block_sparse_moe.experts.0.w1.weight"
    let old = try #require(model[name])
    model.remove(name)
    // 0x38 is 1 in E4M3.
    model.tensors.append(RawTensor(name, .f8E4M3, old.shape, Array(repeating: 0x38, count: 48)))
    let folder = try write(model)
    try Moepack.succeed("convert", folder, "-o", scratch("x"), "--type", "BF16")
    let types = try Moepack.json("inspect", scratch("x"))["tensors"]?.array?.map { $0["type"] }
    #expect(types?.allSatisfy { $0 == "BF16" } == true)
    let scale = "\(name)_scale"
    model.tensors.append(RawTensor(scale, .f32, [1], .littleEndian(Float(2).bitPattern)))
    let scaled = try write(model, as: "scaled")
    for format in ["y", "y.gguf"] {
      try Moepack.fail(
        1,
        saying: [scale, "BF16 first"],
        ["convert", scaled, "-o", scratch(format), "--type", "BF16"]
      )
    }
  }

  @Test("chat templates in a folder of their own come along, from a compressed pack, too")
  func chatTemplates() throws {
    let model = try Sample.copy(in: scratch)
    try scratch.write("model/chat_template.jinja", "{{ first }}")
    #expect(mkdir(scratch("model/additional_chat_templates"), 0o755) == 0)
    try scratch.write("model/additional_chat_templates/rag.jinja", "{{ second }}")
    try Moepack.succeed(
      ["compress", model, "-o", scratch("c.moepack"), "--prune", "0", "--rank-keep"]
        + ["dense"] + Sample.short
    )
    for source in [model, scratch("c.moepack")] {
      try Moepack.succeed("convert", source, "-o", scratch("x.gguf"), "--force")
      let keys = try metadata("x.gguf")
      #expect(keys["tokenizer.chat_template"] == .string("{{ first }}"))
      #expect(keys["tokenizer.chat_template.rag"] == .string("{{ second }}"))
      #expect(keys["tokenizer.chat_templates"]?.array?.strings == ["rag"])
    }
  }

  @Test("scales beside the weights of a GGUF file are refused wherever its values are looked at")
  func scalesInGGUF() throws {
    let file = try strayTensor("blk.0.ffn_up_exps.scale")
    for line in [
      ["convert", file, "-o", scratch("folder")],
      ["convert", file, "-o", scratch("x.gguf"), "--type", "Q4_0"],
      ["evaluate", file, "--text", Sample.heldout, "--tokens", "512", "--ignore", "scale"],
    ] {
      try Moepack.fail(1, saying: ["blk.0.ffn_up_exps.scale", "blk.0.ffn_up_exps.weight"], line)
    }
    // As it is, it is copied; other weights may be made anew.
    try Moepack.succeed("convert", file, "-o", scratch("same.gguf"))
    try Moepack.succeed("convert", file, "-o", scratch("y.gguf"), "--type-for", "attn_q=Q4_0")
    try Moepack.succeed("verify", file)
  }

  @Test("importance is missed in GGUF files, too, and where nothing is encoded the reason is right")
  func importanceOfGGUF() throws {
    let entry = ImportanceMatrix.Entry(
      name: "blk.0.attn_q.weight",
      sums: [Float](repeating: 2, count: 96),
      counts: [4]
    )
    try ImportanceMatrix(datasets: ["a"], chunkCount: 1, chunkSize: 512, entries: [entry])
      .write(to: FilePath(scratch("m.gguf")))
    let line = [
      "convert", GGUFOptionTests.q8, "-o", scratch("x.gguf"), "--imatrix", scratch("m.gguf"),
    ]
    let run = try Moepack.run(line + ["--type", "Q4_0"])
    #expect(run.status == 0 && run.complaint.contains("has no entry of blk.0."), "\(run.complaint)")
    try Moepack.fail(1, saying: ["nothing is quantised"], line + ["--type", "Q8_0", "--force"])
  }

  @Test("without a tokenizer a family that is not known has the size of its vocabulary, too")
  func noTokenizerOfUnknownFamily() throws {
    try Moepack.succeed(
      "edit",
      GGUFOptionTests.q8,
      "-o",
      scratch("u.gguf"),
      "--set",
      "general.architecture=foo"
    )
    try Moepack.succeed("convert", scratch("u.gguf"), "-o", scratch("x.gguf"), "--no-tokenizer")
    #expect(try metadata("x.gguf")["foo.vocab_size"] == .uint32(1024))
    try Moepack.fail(
      1,
      saying: ["--tokenizer-from"],
      ["convert", scratch("x.gguf"), "-o", scratch("y.gguf"), "--pre", "qwen2"]
    )
    try Moepack.fail(
      1,
      saying: ["'foo' is not a family"],
      ["convert", scratch("u.gguf"), "-o", scratch("y.gguf"), "--ignore", "a"]
    )
  }
}
