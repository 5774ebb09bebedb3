import Fixtures
import JSON
import Safetensors
import SystemPackage
import Tensors
import Testing

/// `convert`: round trips and exports.
@Suite struct ConvertCommandTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func expectSameFolders(_ a: String, _ b: String) throws {
    let names = try ScratchFolder.names(in: a)
    #expect(try ScratchFolder.names(in: b) == names)
    for name in names {
      #expect(
        try ScratchFolder.bytes(of: "\(a)/\(name)") == ScratchFolder.bytes(of: "\(b)/\(name)")
      )
    }
  }

  @Test("the JSON has the keys of the interface")
  func keys() throws {
    let json = try Moepack.json("convert", Sample.micro, "-o", scratch("x.moepack"))
    let keys = ["output", "tensors", "bytes", "leftOut", "peakMemory", "seconds"]
    #expect(Set(json.keys).isSuperset(of: keys))
    #expect(json["output"]?.string == scratch("x.moepack"))
    #expect(json["tensors"]?.integer == 251)
    #expect(json["bytes"]?.integer == (try ScratchFolder.bytes(of: scratch("x.moepack"))).count)
    #expect(json["leftOut"]?.array?.isEmpty == true)
  }

  @Test(
    "a folder comes back from its pack byte for byte",
    arguments: [
      "micro-qwen2moe", "tiny-mixtral", "tiny-qwen2moe", "small-mixtral", "tiny-olmoe",
      "tiny-qwen3moe", "tiny-deepseek-v2", "tiny-deepseek-v3",
    ]
  )
  func roundTrip(model: String) throws {
    guard let folder = Fixtures.find("models/\(model)") else {
      print("SKIPPED: no models/\(model) in Fixtures or ../shared")
      return
    }
    try Moepack.succeed("convert", folder, "-o", scratch("x.moepack"))
    try Moepack.succeed("verify", scratch("x.moepack"))
    try Moepack.succeed("convert", scratch("x.moepack"), "-o", scratch("back"))
    try expectSameFolders(folder, scratch("back"))
  }

  @Test("a single file comes back from its pack byte for byte")
  func singleFile() throws {
    let file = "\(Sample.micro)/model.safetensors"
    try Moepack.succeed("convert", file, "-o", scratch("x.moepack"))
    try Moepack.succeed("convert", scratch("x.moepack"), "-o", scratch("back.safetensors"))
    #expect(
      try ScratchFolder.bytes(of: scratch("back.safetensors")) == ScratchFolder.bytes(of: file)
    )
  }

  @Test("weights in other formats are left out, named, and taken with --all-files")
  func leftOut() throws {
    let model = try Sample.copy(in: scratch)
    try scratch.write("model/model.bin", "pickle")
    let run = try Moepack.succeed("convert", model, "-o", scratch("x.moepack"), "--json")
    #expect(run.complaint.contains("model.bin"))
    let left = try JSONValue(parsing: run.output)["leftOut"]
    #expect(left?.array?.count == 1)
    #expect(left?[0]?["path"] == "model.bin" && left?[0]?["bytes"]?.integer == 6)
    #expect(left?[0]?["reason"]?.string?.isEmpty == false)
    let all = try Moepack.json("convert", model, "-o", scratch("y.moepack"), "--all-files")
    #expect(all["leftOut"]?.array?.isEmpty == true)
    try Moepack.succeed("convert", scratch("y.moepack"), "-o", scratch("back"))
    try expectSameFolders(model, scratch("back"))
  }

  @Test("--to says the kind where the name does not, and wins where it does")
  func destinationKind() throws {
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("x"), "--to", "moepack")
    try Moepack.succeed("verify", scratch("x"))
    try Moepack.succeed("convert", scratch("x"), "-o", scratch("y.moepack"), "--to", "directory")
    try expectSameFolders(Sample.micro, scratch("y.moepack"))
  }

  @Test("a uniformly compressed pack becomes a folder of F32 with the pack's perplexity")
  func exportsUniform() throws {
    let run = try Moepack.run(
      ["compress", Sample.micro, "-o", scratch("x.moepack"), "--uniform"] + Sample.short
    )
    #expect(run.status == 0, "\(run.complaint)")
    try Moepack.succeed(
      "convert",
      scratch("x.moepack"),
      "-o",
      scratch("dense"),
      "--type",
      "F32"
    )
    let card = try Moepack.json("inspect", scratch("dense"))
    #expect(card["expertsPerLayer"]?.integers == [12, 12, 12, 12])
    #expect(card["tensors"]?.array?.allSatisfy { $0["type"] == "F32" } == true)
    #expect(card["tensors"]?.array?.count == 251 - 4 * 4 * 3)
    let config = try JSONValue(
      parsing: try ScratchFolder.bytes(of: scratch("dense/config.json"))
    )
    #expect(config["num_experts"]?.integer == 12)
    #expect((config["dtype"] ?? config["torch_dtype"]) == "float32")
    for name in ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] {
      #expect(
        try ScratchFolder.bytes(of: scratch("dense/\(name)"))
          == ScratchFolder.bytes(of: "\(Sample.micro)/\(name)")
      )
    }
    let options = ["--text", Sample.heldout, "--tokens", "2048", "--context", "256", "--json"]
    let values = try [scratch("x.moepack"), scratch("dense")].map { model in
      let run = try Moepack.run(["evaluate", model] + options)
      return try #require(try JSONValue(parsing: run.output)["perplexity"]?.double)
    }
    #expect(abs(values[0] - values[1]) <= 1e-5 * values[0])
  }

  @Test("layers with different counts are refused for a folder, with the remedy")
  func unevenLayers() throws {
    let counts = try Moepack.json("inspect", try Compressed.pack())["expertsPerLayer"]?.integers
    try #require(Set(counts ?? []).count > 1)
    try Moepack.fail(
      1,
      saying: ["--uniform"],
      ["convert", try Compressed.pack(), "-o", scratch("dense")]
    )
    #expect(try ScratchFolder.names(in: scratch.path).isEmpty)
  }

  @Test(
    "a type changes the floating-point tensors and nothing else",
    arguments: ["F32", "F16", "bf16"]
  )
  func changesType(type: String) throws {
    try Moepack.succeed("convert", Sample.micro, "-o", scratch("out"), "--type", type)
    let json = try Moepack.json("inspect", scratch("out"))
    #expect(json["tensors"]?.array?.allSatisfy { $0["type"]?.string == type.uppercased() } == true)
    #expect(json["expertsPerLayer"]?.integers == [16, 16, 16, 16])
    let options = ["--text", Sample.heldout, "--tokens", "512", "--context", "128", "--json"]
    let values = try [Sample.micro, scratch("out")].map { model in
      let run = try Moepack.run(["evaluate", model] + options)
      return try #require(try JSONValue(parsing: run.output)["perplexity"]?.double)
    }
    // F16 loses what lies below its range, little as that is; the others lose nothing.
    #expect(abs(values[0] - values[1]) <= (type == "F16" ? 1e-3 : 0) * values[0])
  }

  @Test("shards stay below their limit, with an index, and hold the same model")
  func shards() throws {
    try Moepack.succeed(
      "convert",
      Sample.micro,
      "-o",
      scratch("out"),
      "--max-shard-size",
      "1MB"
    )
    let names = try ScratchFolder.names(in: scratch("out"))
    let shards = names.filter { $0.hasSuffix(".safetensors") }
    #expect(shards.count >= 4 && names.contains("model.safetensors.index.json"))
    for shard in shards {
      let reader = try SafetensorsReader(FilePath(scratch("out/\(shard)")))
      #expect(reader.byteCount <= 1_000_000 + 64_000)
    }
    let options = ["--text", Sample.heldout, "--tokens", "256", "--context", "64", "--json"]
    let values = try [Sample.micro, scratch("out")].map { model in
      try JSONValue(parsing: try Moepack.run(["evaluate", model] + options).output)["perplexity"]
    }
    #expect(values[0] == values[1] && values[0]?.double != nil)
  }

  @Test("--plan keeps the plan's experts in a plain folder")
  func keepsThePlansExperts() throws {
    let run = try Moepack.run(
      ["plan", Sample.micro, "-o", scratch("p.json"), "--uniform", "--json"] + Sample.short
    )
    #expect(run.status == 0, "\(run.complaint)")
    try Moepack.succeed(
      "convert",
      Sample.micro,
      "-o",
      scratch("out"),
      "--plan",
      scratch("p.json")
    )
    let kept = try #require(
      try JSONValue(parsing: run.output)["layers"]?[2]?["kept"]?.integers
    )
    let original = try SafetensorsReader(FilePath("\(Sample.micro)/model.safetensors"))
    let pruned = try SafetensorsReader(FilePath(scratch("out/model.safetensors")))
    func bytes(_ reader: SafetensorsReader, _ expert: Int) throws -> [UInt8] {
      let name = "model.layers.2.mlp.experts.\(expert).up_proj.weight"
      let index = try #require(reader.header.tensors.firstIndex { $0.name == name })
      return try reader.bytes(ofTensor: index)
    }
    for (new, old) in kept.enumerated() {
      #expect(try bytes(pruned, new) == bytes(original, old))
    }
    try Moepack.succeed(
      "evaluate",
      scratch("out"),
      "--text",
      Sample.heldout,
      "--tokens",
      "64",
      "--context",
      "32"
    )
  }

  @Test("a pack into a pack is refused")
  func packIntoPack() throws {
    try Moepack.fail(1, ["convert", try Compressed.pack(), "-o", scratch("y.moepack")])
  }
}
