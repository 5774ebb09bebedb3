import Fixtures
import Glibc
import JSON
import Testing

/// Where a command may write.
@Suite struct OutputRuleTests {
  let scratch: ScratchFolder
  let model: String

  init() throws {
    scratch = try ScratchFolder()
    model = try Sample.copy(in: scratch)
  }

  /// A run of each command that writes, without its output.
  static let writers = [
    ["compress", "-o"], ["plan", "-o"], ["calibrate", "-o"], ["convert", "-o"],
    ["evaluate", "--text", Sample.heldout, "--tokens", "64", "--context", "32", "--save-logits"],
    ["evaluate", "--text", Sample.heldout, "--tokens", "64", "--context", "32", "--save-hidden"],
  ]

  /// A command that would write to `output`.
  private func line(_ writer: [String], _ output: String, more: [String] = []) -> [String] {
    [writer[0], model] + writer.dropFirst() + [output] + more
  }

  private func names(_ folder: String) throws -> [String] { try ScratchFolder.names(in: folder) }

  @Test("an output that exists is refused and kept", arguments: writers)
  func existingOutput(writer: [String]) throws {
    let output = try scratch.write("out.moepack", "precious")
    try Moepack.fail(1, saying: ["out.moepack", "--force"], line(writer, output))
    #expect(try ScratchFolder.bytes(of: output) == Array("precious".utf8))
    #expect(try names(scratch.path) == ["model", "out.moepack"])
  }

  @Test("--force replaces it")
  func forcedOutput() throws {
    let output = try scratch.write("out.moepack", "old")
    try Moepack.succeed("convert", model, "-o", output, "--force")
    try Moepack.succeed("verify", output)
    #expect(try names(scratch.path) == ["model", "out.moepack"])
  }

  @Test("an output equal to the input is refused, forced or not", arguments: writers)
  func outputIsInput(writer: [String]) throws {
    let before = try ScratchFolder.bytes(of: "\(model)/config.json")
    for output in [model, model + "/", scratch("./model"), scratch("model/../model")] {
      try Moepack.fail(1, saying: ["model"], line(writer, output, more: ["--force"]))
    }
    #expect(try ScratchFolder.bytes(of: "\(model)/config.json") == before)
    #expect(try names(model) == names(Sample.micro))
  }

  @Test("an output inside the input is refused, through a link as well", arguments: writers)
  func outputInsideInput(writer: [String]) throws {
    symlink(model, scratch("link"))
    for output in ["\(model)/x.moepack", scratch("link/x.moepack"), "\(model)/config.json"] {
      try Moepack.fail(1, saying: ["inside"], line(writer, output, more: ["--force"]))
    }
    #expect(try names(model) == names(Sample.micro))
  }

  @Test("a file as input is not replaced by the output, by another name either")
  func outputIsInputFile() throws {
    try Moepack.succeed("convert", model, "-o", scratch("a.moepack"))
    let before = try ScratchFolder.bytes(of: scratch("a.moepack"))
    link(scratch("a.moepack"), scratch("b.moepack"))
    symlink(scratch("a.moepack"), scratch("c.moepack"))
    for name in ["a.moepack", "b.moepack", "c.moepack"] {
      try Moepack.fail(
        1,
        ["compress", scratch("a.moepack"), "-o", scratch(name), "--force"]
      )
    }
    #expect(try ScratchFolder.bytes(of: scratch("a.moepack")) == before)
  }

  @Test("other inputs are not replaced either")
  func outputIsOtherInput() throws {
    let text = try scratch.write("a.txt", "some text")
    try Moepack.fail(
      1,
      saying: ["a.txt"],
      ["calibrate", model, "--calibration", text, "-o", text, "--force"]
    )
    try Moepack.fail(
      1,
      saying: ["a.txt"],
      ["compress", model, "--evaluate", text, "-o", text, "--force"]
    )
    try Moepack.fail(
      1,
      saying: ["a.txt"],
      ["evaluate", model, "--text", text, "--save-hidden", text, "--force"]
    )
    #expect(try ScratchFolder.bytes(of: text) == Array("some text".utf8))
  }

  @Test("two outputs of one command are two files")
  func twoOutputs() throws {
    try Moepack.fail(
      1,
      ["compress", model, "-o", scratch("x.md"), "--report", scratch("./x.md")]
    )
    for (a, b) in [
      ("l.safetensors", "./l.safetensors"), ("model/../l.safetensors", "l.safetensors"),
    ] {
      try Moepack.fail(
        1,
        saying: ["l.safetensors"],
        [
          "evaluate", model, "--text", Sample.heldout, "--tokens", "64", "--context", "32",
          "--save-logits", scratch(a), "--save-hidden", scratch(b),
        ]
      )
    }
    #expect(try names(scratch.path) == ["model"])
  }

  @Test("the folder of an output must exist", arguments: writers)
  func missingFolder(writer: [String]) throws {
    try Moepack.fail(1, saying: [scratch("no")], line(writer, scratch("no/out.moepack")))
    #expect(try names(scratch.path) == ["model"])
  }

  @Test("a folder with a slash behind its name is the folder")
  func trailingSlash() throws {
    try Moepack.succeed("convert", model, "-o", scratch("x.moepack"))
    try Moepack.succeed("convert", scratch("x.moepack"), "-o", scratch("back/"))
    #expect(try names(scratch("back")) == names(Sample.micro))
  }

  @Test("a run that fails midway leaves nothing behind")
  func failureLeavesNothing() throws {
    // NaN in the last layer: found only when the weights are read.
    let name = "model.layers.3.input_layernorm.weight"
    let tensor = try Moepack.json("inspect", model, "--match", name)["tensors"]?[0]
    let offset = try #require(tensor?["offset"]?.integer)
    var bytes = try ScratchFolder.bytes(of: "\(model)/model.safetensors")
    for place in offset..<offset + 64 { bytes[place] = 0xFF }
    try scratch.write("model/model.safetensors", bytes)
    for command in [
      ["compress", model, "-o", scratch("x.moepack")] + Sample.short,
      ["calibrate", model, "-o", scratch("s.safetensors")] + Sample.short,
      ["plan", model, "-o", scratch("p.json")] + Sample.short,
      [
        "evaluate", model, "--text", Sample.heldout, "--tokens", "64", "--context", "32",
        "--save-logits", scratch("l.safetensors"), "--save-hidden", scratch("h.safetensors"),
      ],
    ] {
      try Moepack.fail(1, saying: ["not a finite number"], command)
      #expect(try names(scratch.path) == ["model"])
    }
  }
}
