import Fixtures
import JSON
import Tensors
import TestSupport
import Testing

/// `diff`: numbers against other sources of them, and what it prints.
@Suite struct DiffCommandTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func errors(_ json: JSONValue) -> [String: Double] {
    var errors: [String: Double] = [:]
    for tensor in json["tensors"]?.array ?? [] {
      errors[tensor["name"]?.string ?? "?"] = tensor["relativeError"]?.double
    }
    return errors
  }

  @Test("a model does not differ from itself, its file, or its pack")
  func same() throws {
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("x.moepack"))
    for other in [Sample.micro, "\(Sample.micro)/model.safetensors", scratch("x.moepack")] {
      let json = try Moepack.json("diff", Sample.micro, other)
      #expect(Set(json.keys).isSuperset(of: ["tensors", "onlyInA", "onlyInB"]))
      #expect(json["tensors"]?.array?.count == 251)
      #expect(errors(json).values.allSatisfy { $0 == 0 } && errors(json).count == 251)
      #expect(json["onlyInA"]?.array?.isEmpty == true && json["onlyInB"]?.array?.isEmpty == true)
      #expect(try Moepack.succeed("diff", Sample.micro, other).text.contains("none differs"))
    }
  }

  @Test("of experts that lost their numbers it is said that places are compared")
  func renumbered() throws {
    try Moepack.succeed(
      ["compress", Sample.micro, "-o", scratch("u.moepack"), "--uniform", "--rank-keep", "dense"]
        + Sample.short
    )
    try Moepack.succeed("convert", scratch("u.moepack"), "-o", scratch("folder"))
    let warning = "does not say which 12 of the other's 16 experts"
    let folder = try Moepack.run(["diff", Sample.micro, scratch("folder")])
    #expect(folder.complaint.contains(warning))
    let pack = try Moepack.run(["diff", Sample.micro, scratch("u.moepack")])
    #expect(pack.status == 0 && !pack.complaint.contains(warning))
  }

  @Test("factors differ by the error that compress measured, pruned experts are in one model only")
  func compressed() throws {
    let json = try Moepack.json("diff", Sample.micro, try Compressed.pack())
    let errors = errors(json)
    let report = try Compressed.report()
    var pruned = 0
    for layer in report["layers"]?.array ?? [] {
      let prefix = "model.layers.\(try #require(layer["layer"]?.integer)).mlp.experts"
      pruned += 16 - (layer["kept"]?.array?.count ?? 0)
      for entry in layer["factoring"]?.array ?? [] {
        let expert = try #require(entry["expert"]?.integer)
        let projection = try #require(entry["projection"]?.string)
        let measured = try #require(entry["weightError"]?.double)
        let error = try #require(errors["\(prefix).\(expert).\(projection)_proj.weight"])
        #expect(abs(error - measured) < 1e-5, "\(prefix).\(expert).\(projection)")
      }
    }
    #expect(pruned > 0 && json["onlyInA"]?.array?.count == 3 * pruned)
    #expect(json["onlyInB"]?.array?.isEmpty == true)
    #expect(json["differentShape"]?.array?.isEmpty == true)
    #expect(errors["model.layers.0.mlp.gate.weight"] == 0, "the rows of the experts left")
    let list = (json["tensors"]?.array ?? []).compactMap { $0["relativeError"]?.double }
    #expect(list == list.sorted(by: >))
    let back = try Moepack.json("diff", try Compressed.pack(), Sample.micro)
    #expect(back["onlyInB"]?.array?.count == 3 * pruned)
  }

  @Test(
    "llama.cpp's BF16 files hold what the folder does",
    arguments: ["micro-qwen2moe", "tiny-qwen2moe"]
  )
  func sameAsGGUF(model: String) throws {
    guard let folder = Fixtures.find("models/\(model)"),
      let file = Fixtures.find("oracles/gguf/\(model)-BF16.gguf")
    else {
      print("SKIPPED: no oracles/gguf/\(model)-BF16.gguf in Fixtures or ../shared")
      return
    }
    let run = try Moepack.succeed("diff", folder, file)
    #expect(run.text.contains("none differs") && !run.text.contains("only in"))
  }

  /// ‖A - B‖ / ‖A‖ by numpy, in float64, of what the `gguf` package makes of the blocks.
  @Test("Q8_0 differs by what numpy computes")
  func blocks() throws {
    guard let file = Fixtures.find("oracles/gguf/micro-qwen2moe-Q8_0.gguf") else {
      print("SKIPPED: no oracles/gguf/micro-qwen2moe-Q8_0.gguf in Fixtures or ../shared")
      return
    }
    let errors = errors(try Moepack.json("diff", Sample.micro, file))
    #expect(errors.count == 251)
    for (name, expected) in [
      ("model.embed_tokens.weight", 0.00541754588990689),
      ("model.layers.0.mlp.experts.3.gate_proj.weight", 0.005294664725579998),
      ("model.layers.1.mlp.experts.2.down_proj.weight", 0.005231954672127413),
      ("model.layers.1.self_attn.v_proj.weight", 0.00536962873381237),
    ] {
      let error = try #require(errors[name])
      #expect(abs(error - expected) < 1e-6 * expected, "\(name)")
    }
  }

  @Test("the text is limited, --match chooses, threads do not matter")
  func options() throws {
    let pack = try Compressed.pack()
    let short = try Moepack.succeed("diff", Sample.micro, pack, "--limit", "2").text
    let long = try Moepack.succeed("diff", Sample.micro, pack, "--limit", "0").text
    #expect(short.contains("more") && !long.contains("more"))
    #expect(long.split(separator: "\n").count > 100)
    #expect(long.contains("rank"))
    let json = try Moepack.json("diff", Sample.micro, pack, "--match", "embed|norm")
    #expect(json["tensors"]?.array?.count == 10 && json["onlyInA"]?.array?.isEmpty == true)
    let one = try Moepack.run(["diff", Sample.micro, pack, "--json", "--threads", "1"])
    #expect(
      try Moepack.run(["diff", Sample.micro, pack, "--json", "--threads", "3"]).output == one.output
    )
  }

  @Test("NaN and infinity are null in JSON, and words in the text")
  func noNumbers() throws {
    let a = RawSafetensors.file([
      RawTensor("n", .f32, [2], values: [1, .nan]), RawTensor("z", .f32, [1], values: [0]),
    ])
    let b = RawSafetensors.file([
      RawTensor("n", .f32, [2], values: [1, 1]), RawTensor("z", .f32, [1], values: [3]),
    ])
    try scratch.write("a.safetensors", a)
    try scratch.write("b.safetensors", b)
    let json = try Moepack.json("diff", scratch("a.safetensors"), scratch("b.safetensors"))
    #expect(json["tensors"]?[0]?["relativeError"] == .null)
    #expect(json["tensors"]?[0]?["maxAbsolute"] == .null)
    #expect(json["tensors"]?[1]?["relativeError"] == .null)
    #expect(json["tensors"]?[1]?["maxAbsolute"]?.double == 3)
    let run = try Moepack.succeed("diff", scratch("a.safetensors"), scratch("b.safetensors"))
    #expect(run.text.contains("NaN") && run.text.contains("infinite"))
  }

  @Test("a model that cannot be read is named, misuse is told from it")
  func failures() throws {
    try Moepack.fail(1, saying: ["none.gguf"], ["diff", Sample.micro, scratch("none.gguf")])
    try Moepack.fail(1, saying: ["none.gguf"], ["diff", scratch("none.gguf"), Sample.micro])
    try Moepack.fail(64, saying: ["--limit"], ["diff", "/nowhere", "/nowhere", "--limit", "-1"])
    try Moepack.fail(64, saying: ["--limit"], ["diff", "/a", "/b", "--limit", "3", "--json"])
    try Moepack.fail(64, ["diff", "/a", "/b", "--match", "("])
    try Moepack.fail(64, ["diff", "/a"])
  }
}
