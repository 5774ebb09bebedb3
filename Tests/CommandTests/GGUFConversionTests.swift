import Fixtures
import GGUF
import JSON
import SystemPackage
import Tensors
import Testing

/// GGUF as input and output, against files of llama.cpp's own converter and ggml's encoders.
@Suite struct GGUFConversionTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// The oracle file, in Fixtures or `../shared`.
  private func oracle(_ name: String) -> String? {
    guard let path = Fixtures.find("oracles/gguf/\(name).gguf") else {
      print("SKIPPED: no oracles/gguf/\(name).gguf in Fixtures or ../shared")
      return nil
    }
    return path
  }

  private func open(_ path: String) throws -> GGUFCollection {
    try GGUFCollection(FilePath(path))
  }

  /// Compares names, types, shapes and bytes of all tensors, whatever their order.
  private func expectSameTensors(_ a: GGUFCollection, _ b: GGUFCollection) throws {
    let places = Dictionary(
      uniqueKeysWithValues: b.tensors.enumerated().map { ($1.name, $0) }
    )
    #expect(a.tensors.count == b.tensors.count)
    for (index, tensor) in a.tensors.enumerated() {
      let other = try #require(places[tensor.name], "\(tensor.name) is missing")
      #expect(tensor.type == b.tensors[other].type, "\(tensor.name)")
      #expect(tensor.shape == b.tensors[other].shape, "\(tensor.name)")
      #expect(
        try a.bytes(ofTensor: index) == b.bytes(ofTensor: other),
        "the bytes of \(tensor.name) differ"
      )
    }
  }

  static let converted = [
    "micro-qwen2moe-Q8_0", "micro-qwen2moe-F32", "micro-qwen2moe-F16", "micro-qwen2moe-BF16",
    "tiny-mixtral-F32", "tiny-qwen2moe-BF16",
  ]

  @Test("a folder becomes the file that convert_hf_to_gguf makes", arguments: converted)
  func fromFolder(name: String) throws {
    let parts = name.split(separator: "-")
    let model = parts.dropLast().joined(separator: "-")
    guard let oracle = oracle(name), let folder = Fixtures.find("models/\(model)") else { return }
    try Moepack.succeed("convert", folder, "-o", scratch("x.gguf"), "--type", String(parts[2]))
    let (ours, theirs) = (try open(scratch("x.gguf")), try open(oracle))
    try expectSameTensors(theirs, ours)
    #expect(ours.tensors.map(\.name) == theirs.tensors.map(\.name))
    var metadata = ours.metadata
    // The one key more, by which a reader knows that documents start with the bos token.
    if model == "tiny-mixtral" {
      #expect(metadata["tokenizer.ggml.add_bos_token"] == .bool(true))
      metadata["tokenizer.ggml.add_bos_token"] = nil
    }
    #expect(metadata == theirs.metadata)
  }

  static let all =
    converted + [
      "small-mixtral-Q2_K", "small-mixtral-Q4_K", "small-mixtral-Q6_K", "tiny-mixtral-Q4_0",
      "tiny-mixtral-Q5_1", "tiny-mixtral-Q8_0", "tiny-qwen2moe-IQ4_NL", "tiny-qwen2moe-MXFP4",
      "tiny-qwen2moe-Q8_0",
    ]

  @Test("a GGUF comes back from a pack, and from itself, byte for byte", arguments: all)
  func throughPack(name: String) throws {
    guard let oracle = oracle(name) else { return }
    try Moepack.succeed("convert", oracle, "-o", scratch("x.moepack"))
    try Moepack.succeed("verify", scratch("x.moepack"))
    try Moepack.succeed("convert", scratch("x.moepack"), "-o", scratch("back.gguf"))
    try Moepack.succeed("convert", oracle, "-o", scratch("again.gguf"))
    let bytes = try ScratchFolder.bytes(of: oracle)
    #expect(try ScratchFolder.bytes(of: scratch("back.gguf")) == bytes)
    #expect(try ScratchFolder.bytes(of: scratch("again.gguf")) == bytes)
  }

  @Test(
    "unquantised tensors come back from a folder",
    arguments: [
      "micro-qwen2moe-F16", "micro-qwen2moe-F32", "tiny-mixtral-F32", "tiny-qwen2moe-BF16",
    ]
  )
  func throughFolder(name: String) throws {
    guard let oracle = oracle(name) else { return }
    try Moepack.succeed("convert", oracle, "-o", scratch("folder"))
    try Moepack.succeed("convert", scratch("folder"), "-o", scratch("back.gguf"))
    let (ours, theirs) = (try open(scratch("back.gguf")), try open(oracle))
    try expectSameTensors(theirs, ours)
    for (key, value) in theirs.metadata where key.hasPrefix("tokenizer.") {
      #expect(ours.metadata[key] == value, "\(key)")
    }
  }

  @Test("evaluate gives llama.cpp's perplexity, and the same from every format", arguments: all)
  func perplexity(name: String) throws {
    guard let oracle = oracle(name) else { return }
    let model = name.split(separator: "-").dropLast().joined(separator: "-")
    guard let folder = Fixtures.find("models/\(model)") else { return }
    let known = try JSONValue(
      parsing: ScratchFolder.bytes(of: Fixtures.path("oracles/gguf/perplexity.json"))
    )
    let expected = try #require(known["perplexity"]?["\(name).gguf"]?.double)
    let stream = try Moepack.json("tokenize", folder, "--text", Sample.heldout, "--stream")
    let ids = Array(try #require(stream["ids"]?.array).prefix(32 * 512))
    try scratch.write("ids.json", JSONValue.array(ids).text(pretty: false))
    func perplexity(_ model: String) throws -> Double {
      let report = try Moepack.json("evaluate", model, "--ids", scratch("ids.json"))
      return try #require(report["perplexity"]?.double)
    }
    let ours = try perplexity(oracle)
    // llama.cpp quantises activations where weights are quantised.
    let tolerance = name.hasSuffix("F32") ? 1e-6 : 1e-3
    #expect(abs(ours / expected - 1) < tolerance, "\(ours), llama.cpp \(expected)")
    try Moepack.succeed("convert", oracle, "-o", scratch("x.moepack"))
    #expect(try perplexity(scratch("x.moepack")) == ours)
    if !name.contains("Q"), !name.contains("MX") {
      try Moepack.succeed("convert", oracle, "-o", scratch("folder"))
      #expect(try perplexity(scratch("folder")) == ours)
    }
  }

  @Test("a plan takes slabs out of a file whose blocks stay untouched")
  func pruned() throws {
    guard let oracle = oracle("micro-qwen2moe-Q8_0") else { return }
    try Moepack.succeed(
      ["plan", oracle, "--uniform", "--calibration", Sample.calibration, "-o", scratch("p.json")]
        + Sample.short
    )
    try Moepack.succeed(
      "convert",
      oracle,
      "--plan",
      scratch("p.json"),
      "-o",
      scratch("x.gguf")
    )
    let plan = try JSONValue(parsing: ScratchFolder.bytes(of: scratch("p.json")))
    let kept = try #require(
      plan["layers"]?.array?.first { $0["layer"]?.integer == 1 }?["kept"]?.array?.map(\.integer)
    ).compactMap { $0 }
    let (before, after) = (try open(oracle), try open(scratch("x.gguf")))
    #expect(after.metadata["qwen2moe.expert_count"]?.integer == kept.count)
    #expect(kept.count < 16)
    for name in ["ffn_gate_exps", "ffn_down_exps", "ffn_gate_inp"] {
      let tensor = "blk.1.\(name).weight"
      let old = try #require(before.tensors.firstIndex { $0.name == tensor })
      let new = try #require(after.tensors.firstIndex { $0.name == tensor })
      let bytes = try before.bytes(ofTensor: old)
      let slab = bytes.count / 16
      #expect(
        try after.bytes(ofTensor: new)
          == kept.flatMap { bytes[$0 * slab..<($0 + 1) * slab] }
      )
    }
    try Moepack.succeed("verify", scratch("x.gguf"))
  }

  @Test("what GGUF cannot say is refused with the reason")
  func refusals() throws {
    let model = try Sample.copy(in: scratch)
    try Sample.edit(
      "model/config.json",
      in: scratch,
      "\"norm_topk_prob\": false",
      "\"norm_topk_prob\": true"
    )
    try Moepack.fail(1, saying: ["norm_topk_prob"], ["convert", model, "-o", scratch("x.gguf")])
    try Moepack.succeed(
      ["compress", Sample.micro, "-o", scratch("c.moepack"), "--calibration", Sample.calibration]
        + Sample.short
    )
    try Moepack.fail(
      1,
      saying: ["--uniform"],
      ["convert", scratch("c.moepack"), "-o", scratch("x.gguf")]
    )
    try Moepack.fail(
      1,
      saying: ["--type-for"],
      ["convert", Sample.micro, "-o", scratch("x.gguf"), "--type-for", "nothing=Q8_0"]
    )
    #expect(try !ScratchFolder.names(in: scratch("")).contains("x.gguf"))
  }

  @Test(
    "options that cannot apply are misuse",
    arguments: [
      ["-o", "x.gguf", "--type", "Q9_9"], ["-o", "x.gguf", "--type", "F64"],
      ["-o", "x.gguf", "--max-shard-size", "1GB"], ["-o", "x", "--type", "Q8_0"],
      ["-o", "x", "--pre", "qwen2"], ["-o", "x.moepack", "--type-for", "a=Q8_0"],
      ["-o", "x.gguf", "--type-for", "a=IQ1_S"], ["-o", "x.gguf", "--type-for", "Q8_0"],
      ["-o", "x.gguf", "--no-tokenizer", "--pre", "qwen2"],
      ["-o", "x-00001-of-00002.gguf"], ["-o", "x", "--ignore", "a"],
    ]
  )
  func misuse(arguments: [String]) throws {
    try Moepack.fail(64, saying: [], ["convert", Sample.micro] + arguments)
  }

  @Test("types follow names: --type-for before the mix, vectors and routers stay F32")
  func types() throws {
    try Moepack.succeed(
      "convert",
      Sample.micro,
      "-o",
      scratch("x.gguf"),
      "--type",
      "Q4_K_M",
      "--type-for",
      "_exps=Q5_0",
      "--type-for",
      ".*down.*=Q4_0",
      "--split-max-tensors",
      "40"
    )
    let model = try open(scratch("x-00001-of-00002.gguf"))
    func type(_ name: String) -> String? {
      model.tensors.first { $0.name == name }?.type.name
    }
    #expect(type("blk.0.ffn_down_exps.weight") == "Q5_0")
    #expect(type("blk.0.ffn_down_shexp.weight") == "Q4_0")
    #expect(type("blk.0.ffn_gate_inp.weight") == "F32")
    #expect(type("blk.0.attn_norm.weight") == "F32")
    // Rows of 96 are no multiple of 256: Q4_K falls back to Q5_0, the output's Q6_K to Q8_0.
    #expect(type("blk.0.attn_q.weight") == "Q5_0")
    #expect(type("output.weight") == "Q8_0")
    #expect(model.metadata["general.file_type"]?.integer == 15)
  }
}
