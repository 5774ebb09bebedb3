import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Files that break one rule each, through the built program: the exit status, the words, nothing
/// on standard output, and nothing left over.
@Suite struct CorpusTests {
  static let corpus: [BadInput] =
    BadInput.safetensors + BadInput.indices + BadInput.configurations + BadInput.weights
    + BadInput.packs + BadInput.texts + BadInput.outputs + BadInput.rewrittenGGUF
    + BadInput.rewrittenSplits

  @Test("a bad input is refused by name and leaves nothing", arguments: corpus)
  func refused(input: BadInput) throws {
    try CorpusTests.expectRefused(input, in: try Workplace())
  }

  static func expectRefused(_ input: BadInput, in place: Workplace) throws {
    let lines = try input.build(place)
    let before = try place.folder.files()
    for line in lines {
      try Moepack.fail(1, saying: input.words, line, in: place.folder.path.string)
      #expect(try place.folder.files() == before, "\(line[0]) left or changed something")
    }
  }

  /// What the corpus is made from must pass, or its refusals would prove nothing.
  @Test("the sound inputs behind the corpus are accepted")
  func sound() throws {
    for (model, shards) in [
      (TinyModel.mixtral(), 1), (.mixtral(type: .f32), 2), (.qwen2MoE(), 1), (.qwen2MoE(), 3),
    ] {
      let place = try Workplace()
      try place.write(model, shards: shards)
      for line in place.everything() {
        let run = try Moepack.run(line + (line[0] == "inspect" ? [] : ["--force"]))
        #expect(run.status == 0, "\(line.joined(separator: " ")): \(run.complaint)")
      }
    }
    for pack in [BadInput.losslessPack(), BadInput.compressedPack()] {
      let place = try Workplace()
      try place.writeIDs(Array(0..<16))
      try place.folder.write(pack.bytes(), to: "x.moepack")
      for line in [
        ["inspect", place("x.moepack")], ["verify", place("x.moepack")],
        ["evaluate", place("x.moepack")] + place.ids,
        ["convert", place("x.moepack"), "-o", place("out")],
      ] {
        let run = try Moepack.run(line)
        #expect(run.status == 0, "\(line.joined(separator: " ")): \(run.complaint)")
      }
    }
  }

  @Test("an unknown dtype is listed, packed, and refused when its values are needed")
  func unknownType() throws {
    for type in ["F8_E9M9", "Q8_0", "I8"] {
      let place = try Workplace()
      var model = TinyModel.mixtral()
      let tensor = try #require(model.tensors.firstIndex { $0.name == "model.norm.weight" })
      model.tensors[tensor].type = type == "I8" ? .i8 : .unknown(type)
      model.tensors[tensor].bytes = type == "I8" ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 2, 3, 4]
      try place.write(model)
      let json = try Moepack.json("inspect", place("model"), "--match", "^model.norm")
      #expect(json["tensors"]?[0]?["type"]?.string == type)
      for line in place.using() {
        try Moepack.fail(1, saying: ["model.norm.weight", type], line)
      }
      // A pack goes by names too, and has a Q8_0 of its own.
      let line = ["convert", place("model"), "-o", place("out.moepack")]
      if type == "Q8_0" {
        try Moepack.fail(1, saying: ["model.norm.weight", "Q8_0"], line)
      } else {
        #expect(try Moepack.run(line).status == 0)
      }
    }
  }
}
