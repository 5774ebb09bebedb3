import Fixtures
import JSON
import Testing

/// `inspect`: the model card, the table, their filters and their JSON.
@Suite struct InspectCommandTests {
  static let keys = [
    "format", "architecture", "layers", "moeLayers", "expertsPerLayer", "topK", "parameters",
    "bytes", "files", "metadata", "tensors",
  ]
  static let tensorKeys: Set<String> = [
    "name", "type", "shape", "file", "offset", "bytes", "role", "layer", "expert",
  ]

  private func names(_ json: JSONValue) -> [String] {
    (json["tensors"]?.array ?? []).compactMap { $0["name"]?.string }
  }

  @Test("the JSON has the keys of the interface")
  func keys() throws {
    let json = try Moepack.json("inspect", Sample.micro)
    #expect(Set(json.keys).isSuperset(of: InspectCommandTests.keys))
    #expect(json["format"] == "safetensors")
    #expect(json["architecture"] == "qwen2_moe")
    #expect(json["layers"]?.integer == 4)
    #expect(json["moeLayers"]?.integers == [0, 1, 2, 3])
    #expect(json["expertsPerLayer"]?.integers == [16, 16, 16, 16])
    #expect(json["topK"]?.integer == 4)
    let tensors = try #require(json["tensors"]?.array)
    #expect(tensors.count == 251)
    for tensor in tensors {
      #expect(Set(tensor.keys).isSuperset(of: InspectCommandTests.tensorKeys))
    }
    let bytes = tensors.reduce(0) { $0 + ($1["bytes"]?.integer ?? 0) }
    #expect(json["bytes"]?["total"]?.integer == bytes)
    let file = try #require(json["files"]?[0])
    #expect(file["name"] == "model.safetensors")
    let size = try ScratchFolder.bytes(of: "\(Sample.micro)/model.safetensors").count
    #expect(file["bytes"]?.integer == size)
    #expect(json["metadata"]?["format"] == "pt")
  }

  @Test("parameters are counted: total, in experts, and active")
  func parameters() throws {
    let json = try Moepack.json("inspect", Sample.micro)
    let tensors = try #require(json["tensors"]?.array)
    func count(_ wanted: (JSONValue) -> Bool) -> Int {
      tensors.filter(wanted).reduce(0) { $0 + ($1["shape"]?.integers ?? []).reduce(1, *) }
    }
    let total = count { _ in true }
    let experts = count { $0["role"]?.string?.hasPrefix("expert.") ?? false }
    #expect(experts == 4 * 16 * 3 * 64 * 96)
    #expect(json["parameters"]?["total"]?.integer == total)
    #expect(json["parameters"]?["experts"]?.integer == experts)
    #expect(json["parameters"]?["active"]?.integer == total - experts * 12 / 16)
    #expect(json["bytes"]?["experts"]?.integer == 2 * experts)
  }

  @Test("offsets are those of the file")
  func offsets() throws {
    let json = try Moepack.json("inspect", Sample.micro, "--match", "^model.norm.weight$")
    let tensor = try #require(json["tensors"]?[0])
    let offset = try #require(tensor["offset"]?.integer)
    let bytes = try ScratchFolder.bytes(of: "\(Sample.micro)/model.safetensors")
    // A norm's weights lie around one: in BF16 the upper byte is 0x3E to 0x41.
    for place in stride(from: offset + 1, to: offset + 192, by: 2) {
      #expect((0x3D...0x42).contains(bytes[place]))
    }
    #expect(tensor["bytes"]?.integer == 192)
    #expect(tensor["type"] == "BF16")
    #expect(tensor["shape"]?.integers == [96])
    #expect(tensor["layer"]?.isNull == true && tensor["expert"]?.isNull == true)
  }

  @Test("filters by layer, expert, role and name, and by several at once")
  func filters() throws {
    let all = names(try Moepack.json("inspect", Sample.micro))
    let layer = names(try Moepack.json("inspect", Sample.micro, "--layer", "2"))
    #expect(layer == all.filter { $0.hasPrefix("model.layers.2.") } && layer.count == 62)
    let expert = names(try Moepack.json("inspect", Sample.micro, "--expert", "15"))
    #expect(expert == all.filter { $0.contains(".experts.15.") } && expert.count == 12)
    let router = names(try Moepack.json("inspect", Sample.micro, "--role", "router"))
    #expect(router == (0..<4).map { "model.layers.\($0).mlp.gate.weight" })
    let group = names(try Moepack.json("inspect", Sample.micro, "--role", "expert"))
    #expect(group == all.filter { $0.contains(".experts.") } && group.count == 192)
    let match = names(try Moepack.json("inspect", Sample.micro, "--match", "k_proj\\.(bias|w)"))
    #expect(match == all.filter { $0.contains("k_proj.bias") || $0.contains("k_proj.w") })
    let both = try Moepack.json(
      "inspect",
      Sample.micro,
      "--layer",
      "1",
      "--expert",
      "3",
      "--role",
      "expert.down"
    )
    #expect(names(both) == ["model.layers.1.mlp.experts.3.down_proj.weight"])
    let none = try Moepack.json("inspect", Sample.micro, "--layer", "9")
    #expect(none["tensors"]?.array?.isEmpty == true)
    #expect(none["layers"]?.integer == 4)
  }

  @Test("a filter shows the table, no filter the card, --tensors both")
  func cardAndTable() throws {
    let card = try Moepack.succeed("inspect", Sample.micro).text
    #expect(card.contains("qwen2_moe") && !card.contains("k_proj"))
    let table = try Moepack.succeed("inspect", Sample.micro, "--layer", "0").text
    #expect(table.contains("model.layers.0.self_attn.k_proj.weight"))
    #expect(!table.contains("family") && !table.contains("layers.1."))
    let both = try Moepack.succeed("inspect", Sample.micro, "--tensors").text
    #expect(both.hasPrefix(card) && both.contains("lm_head.weight"))
  }

  @Test("a single file has tensors but no family")
  func singleFile() throws {
    let json = try Moepack.json("inspect", "\(Sample.micro)/model.safetensors")
    #expect(names(json).count == 251)
    for key in ["architecture", "layers", "moeLayers", "expertsPerLayer", "topK"] {
      #expect(json[key]?.isNull == true, "\(key)")
    }
    #expect(json["parameters"]?["total"]?.integer == 1_642_848)
    #expect(json["parameters"]?["active"]?.isNull == true)
    #expect(json["parameters"]?["experts"]?.isNull == true)
    #expect(json["bytes"]?["experts"]?.isNull == true)
    #expect(json["tensors"]?.array?.allSatisfy { $0["role"] == "other" } == true)
  }

  @Test("a family that is not run is shown all the same")
  func unknownFamily() throws {
    guard let model = Fixtures.find("models/tiny-olmoe") else {
      print("SKIPPED: no models/tiny-olmoe in Fixtures or ../shared")
      return
    }
    let json = try Moepack.json("inspect", model)
    #expect(json["architecture"] == "olmoe")
    #expect(!names(json).isEmpty)
  }

  @Test("names and metadata with escapes are shown, not sent")
  func escapesAreShown() throws {
    let scratch = try ScratchFolder()
    let name = "a\\u001b[31m\\u0007\\u202eb\\nc"
    let header = """
      {"__metadata__":{"note\\u001b]0;x":"\\u001b[2J\\u009b1m"},"\(name)":{"dtype":"F32",\
      "shape":[1],"data_offsets":[0,4]}}
      """
    let text = Array(header.utf8)
    let path = try scratch.write(
      "a.safetensors",
      (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + [0, 0, 0, 0]
    )
    for options in [[], ["--tensors"], ["--json"], ["--match", "a"]] {
      let run = try Moepack.run(["inspect", path] + options)
      #expect(run.status == 0, "\(run.complaint)")
      for bytes in [run.output, run.errors] {
        let strange = bytes.filter { ($0 < 0x20 && $0 != 0x0A) || $0 == 0x7F }
        #expect(strange.isEmpty, "\(options): \(strange)")
      }
      #expect(!run.text.unicodeScalars.contains { $0.value == 0x202E || $0.value == 0x9B })
    }
    #expect(try Moepack.succeed("inspect", path, "--tensors").text.contains("\\u{1b}[31m"))
    // For scripts the name comes back as it is.
    let json = try Moepack.json("inspect", path)
    #expect(json["tensors"]?[0]?["name"]?.string == "a\u{1B}[31m\u{7}\u{202E}b\nc")
    #expect(json["metadata"]?["note\u{1B}]0;x"]?.string == "\u{1B}[2J\u{9B}1m")
  }

  @Test("errors that name strange tensors and paths are harmless, too")
  func escapesInErrors() throws {
    let scratch = try ScratchFolder()
    let model = try Sample.copy(in: scratch, as: "mo\u{1B}[31mdel")
    let header = "{\"\\u001b[31mx\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}"
    let path = try scratch.write(
      "b\u{1B}[2J.safetensors",
      [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + header.utf8
    )
    for line in [
      ["inspect", path], ["inspect", scratch("none\u{1B}[31m")],
      ["evaluate", model, "--text", scratch("\u{1B}[31m.txt")],
    ] {
      let run = try Moepack.fail(1, line)
      #expect(!run.errors.contains(0x1B), "\(line)")
    }
    let shown = try Moepack.succeed("inspect", model)
    #expect(!shown.output.contains(0x1B) && !shown.errors.contains(0x1B))
  }

  @Test("a compressed pack shows what is left, with factors as #u and #v")
  func compressedPack() throws {
    let json = try Moepack.json("inspect", try Compressed.pack())
    #expect(json["format"] == "moepack")
    #expect(json["architecture"] == "qwen2_moe")
    #expect(json["expertsPerLayer"]?.integers.reduce(0, +) == 48)
    let factors = names(json).filter { $0.hasSuffix("#u") || $0.hasSuffix("#v") }
    #expect(factors.count == 48 * 3 * 2)
    let layers = json["tensors"]?.array?.filter { $0["name"]?.string?.hasSuffix("#u") ?? false }
    #expect(layers?.allSatisfy { $0["role"]?.string?.hasPrefix("expert.") ?? false } == true)
    #expect(layers?.allSatisfy { $0["expert"]?.integer != nil } == true)
  }
}
