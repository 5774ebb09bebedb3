import Fixtures
import JSON
import SystemPackage
import TestSupport
import Testing

/// Inputs that fuzzing found and that crashed or were refused badly once; `make fuzz` starts with
/// them, too.
@Suite struct FuzzRegressionTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func kept(_ name: String) throws -> [UInt8] {
    try ScratchFolder.bytes(of: Fixtures.path("fuzz/\(name)"))
  }

  @Test("safetensors/ggml-type: a tensor that calls itself Q8_0 is of an unknown type")
  func ggmlType() throws {
    try place.folder.write(try kept("safetensors/ggml-type"), to: "x.safetensors")
    try Moepack.succeed("verify", place("x.safetensors"))
    let json = try Moepack.json("inspect", place("x.safetensors"))
    #expect(json["tensors"]?[1]?["type"] == "Q8_0")
    try Moepack.fail(
      1,
      saying: ["t.BF16", "Q8_0"],
      ["convert", place("x.safetensors"), "-o", place("x.moepack")]
    )
    #expect(place.folder.names == ["x.safetensors"])
  }

  @Test("configuration/expert-width-left-out: experts of another width are not read past their end")
  func expertWidth() throws {
    let text = try kept("configuration/expert-width-left-out")
    try place.write(text, to: "config.json", of: .qwen2MoE())
    try Moepack.fail(
      1,
      saying: ["experts.0", "[1408, 8]"],
      ["convert", place("model"), "-o", place("out"), "--type", "F32"]
    )
    #expect(place.folder.names == ["ids.json", "model"])
  }

  @Test(
    "gguf-model: shapes that the keys do not call for are listed, and refused where values are needed",
    arguments: [
      ("query-without-axes", "q_proj.weight", "shape [], config.json calls for [8, 8]"),
      ("empty-stack-of-many-experts", "ffn_gate_exps.weight", "calls for [50000000, 6, 8]"),
      ("stack-of-no-experts", "ffn_", "config.json calls for"),
      ("unknown-type-of-many-experts", "ffn_gate_exps.weight", "calls for [50000000, 6, 8]"),
    ]
  )
  func shapes(name: String, tensor: String, reason: String) throws {
    try place.folder.write(try kept("gguf-model/\(name)"), to: "x.gguf")
    try Moepack.succeed("inspect", place("x.gguf"))
    let line = ["evaluate", place("x.gguf"), "--ids", place("ids.json"), "--context", "2"]
    try place.folder.write("[1, 2, 3, 1]", to: "ids.json")
    try Moepack.fail(1, saying: ["x.gguf", tensor, reason], line)
    #expect(place.folder.names == ["ids.json", "x.gguf"])
  }

  @Test("pack/expert-of-unknown-type: an expert that cannot be converted is refused by file")
  func expertType() throws {
    try place.folder.write(try kept("pack/expert-of-unknown-type"), to: "x.moepack")
    try Moepack.fail(
      1,
      saying: ["x.moepack", "element type"],
      ["convert", place("x.moepack"), "-o", place("out"), "--type", "F32"]
    )
    #expect(place.folder.names == ["x.moepack"])
  }
}
