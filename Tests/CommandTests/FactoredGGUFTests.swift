import Fixtures
import GGUF
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// `convert --factored`, and the commands on what it writes.
@Suite struct FactoredGGUFTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// A compressed pack whose layers keep different numbers of experts, and its factored file.
  private func factored(_ options: [String] = []) throws -> (pack: String, file: String) {
    let pack = try Compressed.pack()
    let run = try Moepack.run(
      ["convert", pack, "-o", scratch("x.gguf"), "--factored", "--force"] + options
    )
    #expect(run.status == 0, "\(run.complaint)")
    return (pack, scratch("x.gguf"))
  }

  private func perplexity(_ model: String) throws -> Double {
    let stream = try Moepack.json("tokenize", Sample.micro, "--text", Sample.heldout, "--stream")
    let ids = try #require(stream["ids"]?.integers)
    let file = try scratch.write("ids.json", "\(Array(ids.prefix(256)))")
    let json = try Moepack.json("evaluate", model, "--ids", file, "--context", "64")
    return try #require(json["perplexity"]?.double)
  }

  @Test("the perplexity is the pack's, to the last digit")
  func perplexity() throws {
    let (pack, file) = try factored()
    // llama.cpp wants norms and routers in F32, which says the same.
    #expect(try perplexity(file) == perplexity(pack))
  }

  @Test("inspect tells experts and parameters of the pack, verify finds nothing")
  func inspect() throws {
    let (pack, file) = try factored()
    let (a, b) = (try Moepack.json("inspect", pack), try Moepack.json("inspect", file))
    #expect(b["architecture"]?.string == "moepack-qwen2moe")
    for key in ["parameters", "expertsPerLayer", "topK"] {
      #expect(a[key] == b[key], "\(key)")
    }
    try Moepack.succeed("verify", file)
  }

  @Test("keys and names are those of Formats/gguf-factored.md, names shorter than 64 bytes")
  func layout() throws {
    let (_, file) = try factored()
    let model = try GGUFCollection(FilePath(file))
    #expect(model.metadata["moepack.factored.version"] == .uint32(1))
    #expect(model.metadata["qwen2moe.expert_count"]?.integer == 16)
    let counts = try #require(model.metadata["moepack.expert_count"]?.array?.integers)
    #expect(counts.count == 4)
    for (layer, count) in counts.enumerated() {
      let kept = try #require(model.metadata["moepack.experts.\(layer)"]?.array?.integers)
      #expect(kept.count == count)
      let router = model.tensors.first { $0.name == "blk.\(layer).ffn_gate_inp.weight" }
      #expect(router?.shape == [count, 96])
      for expert in kept {
        let parts = model.tensors.filter { $0.name.hasPrefix("blk.\(layer).exps.\(expert).") }
        #expect((3...6).contains(parts.count))
      }
    }
    #expect(model.tensors.allSatisfy { $0.name.utf8.count < 64 })
    #expect(model.tensors.contains { $0.name.hasSuffix(".ffn_up.u") })
  }

  @Test("written again it is the same, and so are folder and stock GGUF made of either")
  func again() throws {
    try Sample.compressUniformly(to: scratch("c.moepack"))
    try Moepack.succeed("convert", scratch("c.moepack"), "-o", scratch("f.gguf"), "--factored")
    try Moepack.succeed("convert", scratch("f.gguf"), "-o", scratch("g.gguf"), "--factored")
    let (f, g) = (
      try GGUFCollection(FilePath(scratch("f.gguf"))),
      try GGUFCollection(FilePath(scratch("g.gguf")))
    )
    #expect(f.tensors.map(\.name) == g.tensors.map(\.name))
    try Moepack.succeed("convert", scratch("c.moepack"), "-o", scratch("1.gguf"))
    try Moepack.succeed("convert", scratch("f.gguf"), "-o", scratch("2.gguf"))
    let (one, two) = (
      try GGUFCollection(FilePath(scratch("1.gguf"))),
      try GGUFCollection(FilePath(scratch("2.gguf")))
    )
    #expect(two.metadata["general.architecture"]?.string == "qwen2moe")
    #expect(two.metadata["moepack.expert_count"] == nil)
    #expect(one.tensors.map(\.name) == two.tensors.map(\.name))
    #expect(one.tensors.map(\.type) == two.tensors.map(\.type))
    for index in one.tensors.indices {
      #expect(try bytes(one, index) == bytes(two, index), "\(one.tensors[index].name)")
    }
    try Moepack.succeed("convert", scratch("f.gguf"), "-o", scratch("folder"))
    let exact = try perplexity(scratch("c.moepack"))
    #expect(abs(try perplexity(scratch("folder")) / exact - 1) < 0.01)
  }

  private func bytes(_ model: GGUFCollection, _ index: Int) throws -> [UInt8] {
    var room = [UInt8](repeating: 0, count: model.tensors[index].byteCount)
    try room.withUnsafeMutableBytes {
      try model.read(tensor: index, bytes: 0..<$0.count, into: $0)
    }
    return room
  }

  @Test("a Mixtral file keeps llama.cpp's order of rows, and a model without factors goes, too")
  func plain() throws {
    try Moepack.succeed("convert", Sample.mixtral, "-o", scratch("m.gguf"), "--factored")
    let stream = try Moepack.json("tokenize", Sample.mixtral, "--text", Sample.heldout, "--stream")
    let ids = try #require(stream["ids"]?.integers)
    let file = try scratch.write("ids.json", "\(Array(ids.prefix(256)))")
    func perplexity(_ model: String) throws -> JSONValue? {
      try Moepack.json("evaluate", model, "--ids", file, "--context", "64")["perplexity"]
    }
    #expect(try perplexity(scratch("m.gguf")) == perplexity(Sample.mixtral))
  }

  @Test("llama.cpp refuses it at once")
  func llama() throws {
    guard LlamaReference.isThere else { return }
    let (_, file) = try factored()
    let ids = try scratch.write("few.json", "\(Array(1...64))")
    #expect(try LlamaReference.perplexity(file, ids: ids, context: 64) == nil)
  }

  @Test(
    "keys that contradict each other are refused by name",
    arguments: [
      ("moepack.factored.version:u32=2", "moepack.factored.version"),
      ("moepack.expert_count:[i32]=[1]", "moepack.expert_count"),
      ("moepack.experts.1:[i32]=[3,2]", "moepack.experts.1"),
      ("moepack.experts.2:[i32]=[99]", "moepack.experts.2"),
    ]
  )
  func badKeys(change: String, key: String) throws {
    let (_, file) = try factored()
    try Moepack.succeed("edit", file, "-o", scratch("bad.gguf"), "--set", change)
    try Moepack.fail(
      1,
      saying: [key],
      ["evaluate", scratch("bad.gguf"), "--text", Sample.heldout, "--tokens", "64"]
    )
  }

  @Test("a pack gives it back byte for byte, and is the same model meanwhile")
  func inPack() throws {
    let (pack, file) = try factored()
    try Moepack.succeed("convert", file, "-o", scratch("f.moepack"))
    try Moepack.succeed("verify", scratch("f.moepack"))
    #expect(try perplexity(scratch("f.moepack")) == perplexity(pack))
    for options in [[], ["--factored"]] {
      try Moepack.succeed(
        ["convert", scratch("f.moepack"), "-o", scratch("back.gguf"), "--force"] + options
      )
      #expect(try ScratchFolder.bytes(of: scratch("back.gguf")) == ScratchFolder.bytes(of: file))
    }
    let difference = try Moepack.json("diff", scratch("f.moepack"), file)
    #expect(difference["tensors"]?.array?.isEmpty == false)
    #expect(difference["tensors"]?.array?.allSatisfy { $0["relativeError"]?.double == 0 } == true)
  }

  @Test("it equals its pack in every tensor, and is as little as the pack a source to compress")
  func commands() throws {
    let (pack, file) = try factored()
    let difference = try Moepack.json("diff", pack, file)
    #expect(difference["onlyInA"]?.array?.isEmpty == true)
    #expect(difference["onlyInB"]?.array?.isEmpty == true)
    #expect(difference["tensors"]?.array?.allSatisfy { $0["relativeError"]?.double == 0 } == true)
    for (command, output) in [
      ("compress", "y.moepack"), ("plan", "p.json"), ("calibrate", "s.safetensors"),
    ] {
      try Moepack.fail(
        1,
        saying: ["x.gguf", "compressed already"],
        [command, file, "-o", scratch(output)] + Sample.short
      )
    }
  }

  @Test("an expert without one of its parts is refused by name, and verify tells it")
  func missingPart() throws {
    let (_, file) = try factored()
    let model = try GGUFCollection(FilePath(file))
    let gone = try #require(model.tensors.firstIndex { $0.name.hasSuffix(".ffn_down.u") })
    let kept = model.tensors.indices.filter { $0 != gone }
    let plan = try GGUFShardPlan(
      destination: FilePath(scratch("bad.gguf")),
      metadata: model.metadata,
      tensors: kept.map {
        let tensor = model.tensors[$0]
        return TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape)
      }
    )
    let writer = try GGUFWriter(plan)
    for (place, index) in kept.enumerated() {
      try bytes(model, index).withUnsafeBytes { try writer.write($0, tensor: place, at: 0) }
    }
    try writer.finish()
    let words = ["down matrix", "expected weight"]
    try Moepack.fail(
      1,
      saying: ["bad.gguf"] + words,
      ["evaluate", scratch("bad.gguf"), "--text", Sample.heldout, "--tokens", "64"]
    )
    let verdict = try Moepack.run(["verify", scratch("bad.gguf")])
    #expect(verdict.status == 1)
    for word in words { #expect(String(decoding: verdict.output, as: UTF8.self).contains(word)) }
  }

  @Test("a tensor that is no part of an expert left is refused by name, and verify tells it")
  func strayParts() throws {
    let (_, file) = try factored()
    let model = try GGUFCollection(FilePath(file))
    for name in ["blk.0.exps.99.ffn_up.u", "blk.0.exps.-1.ffn_up.v", "blk.7.exps.0.ffn_up.weight"] {
      let layouts = model.tensors.map {
        TensorLayout(name: $0.name, type: $0.type, shape: $0.shape)
      }
      let plan = try GGUFShardPlan(
        destination: FilePath(scratch("bad.gguf")),
        metadata: model.metadata,
        tensors: layouts + [TensorLayout(name: name, type: .f32, shape: [8, 96])]
      )
      let writer = try GGUFWriter(plan)
      for index in layouts.indices {
        try bytes(model, index).withUnsafeBytes { try writer.write($0, tensor: index, at: 0) }
      }
      try [UInt8](repeating: 0, count: 4 * 8 * 96).withUnsafeBytes {
        try writer.write($0, tensor: layouts.count, at: 0)
      }
      try writer.finish()
      let verdict = try Moepack.run(["verify", scratch("bad.gguf")])
      #expect(verdict.status == 1, "\(name)")
      #expect(String(decoding: verdict.output, as: UTF8.self).contains(name))
    }
  }

  @Test("--type does not go with it")
  func misuse() throws {
    try Moepack.fail(
      64,
      saying: ["--type-for"],
      ["convert", Sample.micro, "-o", scratch("x.gguf"), "--factored", "--type", "Q8_0"]
    )
  }
}
