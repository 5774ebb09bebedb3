import Fixtures
import JSON
import Testing

/// `calibrate`, `plan` and `compress`: what they print.
@Suite struct MethodCommandTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  static let keys: Set<String> = [
    "bytes", "bitsPerExpertWeight", "layers", "receptionField", "peakMemory", "seconds",
  ]
  static let layerKeys: Set<String> = [
    "layer", "tokens", "kept", "leaveOneOut", "importance", "candidates", "pruningError",
    "importanceAfterPruning", "averageRank", "ranksBeforeCap", "ranks",
  ]

  private func expectReport(_ json: JSONValue, factoring: Bool) throws {
    #expect(Set(json.keys).isSuperset(of: MethodCommandTests.keys))
    let sizes = Set(json["bytes"]?.keys ?? [])
    #expect(sizes.isSuperset(of: ["source", "output", "sourceExperts", "outputExperts"]))
    #expect(json["bytes"]?["sourceExperts"]?.integer == 2 * 4 * 16 * 3 * 64 * 96)
    let layers = try #require(json["layers"]?.array)
    #expect(layers.map { $0["layer"]?.integer } == [0, 1, 2, 3])
    for layer in layers {
      #expect(Set(layer.keys).isSuperset(of: MethodCommandTests.layerKeys))
      let kept = layer["kept"]?.integers ?? []
      #expect(kept == kept.sorted() && Set(kept).count == kept.count && kept.count >= 4)
      #expect(layer["tokens"]?.integer == 1024)
      let importances = (layer["leaveOneOut"]?.array ?? []).compactMap(\.double)
      #expect(importances.count == 16)
      let importance = try #require(layer["importance"]?.double)
      #expect(abs(importance - importances.reduce(0, +)) <= 1e-9 * importance)
      #expect(layer["importanceAfterPruning"]?.array?.count == kept.count)
      #expect(layer["ranksBeforeCap"]?.array?.count == kept.count)
      let candidate = try #require(layer["candidates"]?[0])
      #expect(Set(candidate.keys).isSuperset(of: ["pruned", "error"]))
      let ranks = try #require(layer["ranks"]?.array)
      #expect(ranks.map { $0["expert"]?.integer } == kept)
      for rank in ranks {
        for key in ["gate", "up", "down"] {
          // Below break-even, 64 * 96 / 160 = 38.4, or dense.
          let value = try #require(rank[key])
          #expect(value.isNull || (1...38).contains(value.integer ?? 0))
        }
      }
      let records = layer["factoring"]?.array
      #expect((records != nil) == factoring)
      for record in records ?? [] {
        let keys = ["expert", "projection", "rank", "weightError", "outputError"]
        #expect(Set(record.keys).isSuperset(of: keys))
        #expect((0...1).contains(record["weightError"]?.double ?? -1))
      }
    }
    let blocks = try #require(json["receptionField"]?.array)
    #expect(blocks.compactMap { $0["layers"]?.integers } == [[0, 1, 2], [3]])
    for block in blocks {
      let best = try #require(block["best"]?[0])
      #expect(best["choice"]?.array?.count == block["layers"]?.array?.count)
      #expect((best["error"]?.double ?? -1) > 0)
    }
  }

  @Test("compress prints the keys of the interface, with factoring errors")
  func compressKeys() throws {
    let json = try Compressed.report()
    try expectReport(json, factoring: true)
    let size = try ScratchFolder.bytes(of: try Compressed.pack()).count
    #expect(json["bytes"]?["output"]?.integer == size)
    let experts = try #require(json["bytes"]?["outputExperts"]?.double)
    let bits = try #require(json["bitsPerExpertWeight"]?.double)
    #expect(abs(bits - 8 * experts / Double(4 * 16 * 3 * 64 * 96)) <= 1e-9)
    #expect(json["perplexity"] == nil && json["estimatedPeakMemory"] == nil)
  }

  @Test("plan prints them too, without factoring, and bounds from above what compress stores")
  func planKeys() throws {
    let run = try Moepack.run(
      ["plan", Sample.micro, "-o", scratch("p.json"), "--json"] + Sample.short
    )
    #expect(run.status == 0, "\(run.complaint)")
    let json = try JSONValue(parsing: run.output)
    try expectReport(json, factoring: false)
    let report = try Compressed.report()
    for key in ["output", "outputExperts"] {
      let bound = try #require(json["bytes"]?[key]?.integer)
      let stored = try #require(report["bytes"]?[key]?.integer)
      #expect(bound >= stored, "\(key)")
    }
    #expect(json["bitsPerExpertWeight"]?.double ?? 0 >= report["bitsPerExpertWeight"]?.double ?? 99)
    let plan = try JSONValue(parsing: try ScratchFolder.bytes(of: scratch("p.json")))
    #expect(Set(plan.keys).isSuperset(of: ["version", "model", "options", "layers"]))
    for layer in plan["layers"]?.array ?? [] {
      #expect(Set(layer.keys).isSuperset(of: ["kept", "ranks", "types"]))
    }
    // No path and no time: the same plan from anywhere, at any hour.
    let text = String(decoding: try ScratchFolder.bytes(of: scratch("p.json")), as: UTF8.self)
    #expect(!text.contains(scratch.path) && !text.contains("Fixtures") && !text.contains("seconds"))
  }

  @Test("calibrate's statistics have the tensors of the interface")
  func statistics() throws {
    let path = scratch("s.safetensors")
    let run = try Moepack.run(
      ["calibrate", Sample.micro, "-o", path, "--search-tokens", "100", "--json"] + Sample.short
    )
    #expect(run.status == 0, "\(run.complaint)")
    #expect(try JSONValue(parsing: run.output)["output"]?.string == path)
    let json = try Moepack.json("inspect", path)
    let shapes = (json["tensors"]?.array ?? []).reduce(into: [:]) { shapes, tensor in
      shapes[tensor["name"]?.string ?? ""] = [tensor["type"] ?? .null, tensor["shape"] ?? .null]
    }
    let sums = [
      "count", "gate_sum", "norm_sum", "norm_square_sum", "gate_norm_sum", "leave_one_out",
    ]
    var expected: [String: [JSONValue]] = [:]
    // k = 4, and with lambda 0.08 a layer can lose at most ceil(0.33 * 16) = 6 experts.
    let candidates = shapes["layers.0.sample.candidates"]?[1].integers.last ?? 16
    #expect((9...16).contains(candidates))
    for layer in 0..<4 {
      for name in sums { expected["layers.\(layer).\(name)"] = ["F64", [16]] }
      expected["layers.\(layer).sample.positions"] = ["I64", [100]]
      expected["layers.\(layer).sample.logits"] = ["F32", [100, 16]]
      if candidates < 16 {
        expected["layers.\(layer).sample.candidates"] = ["I32", JSONValue([100, candidates])]
      }
      expected["layers.\(layer).sample.gram"] = [
        "F32", JSONValue([100, candidates * (candidates + 1) / 2]),
      ]
    }
    #expect(shapes == expected)
    #expect(json["metadata"]?.keys.contains("model") == true)
    #expect(json["metadata"]?.keys.contains("stream") == true)
  }

  @Test("--evaluate names perplexity before and after, as evaluate gives them")
  func evaluates() throws {
    let text = try scratch.write(
      "a.txt",
      String(repeating: "In the beginning God created the heaven and the earth. ", count: 40)
    )
    let pack = scratch("x.moepack")
    let report = scratch("report.md")
    let run = try Moepack.run(
      [
        "compress", Sample.micro, "-o", pack, "--evaluate", text, "--report", report, "--json",
      ] + Sample.short
    )
    #expect(run.status == 0, "\(run.complaint)")
    let json = try JSONValue(parsing: run.output)["perplexity"]
    for (key, model) in [("before", Sample.micro), ("after", pack)] {
      let alone = try Moepack.json("evaluate", model, "--text", text, "--context", "128")
      #expect(json?[key] == alone["perplexity"] && json?[key]?.double != nil, "\(key)")
    }
    let page = String(decoding: try ScratchFolder.bytes(of: report), as: UTF8.self)
    #expect(page.hasPrefix("# ") && page.contains("| layer |") && page.contains("perplexity"))
    #expect(try ScratchFolder.bytes(of: pack) == ScratchFolder.bytes(of: try Compressed.pack()))
  }

  @Test("an HTML report is a page whose text cannot break out")
  func htmlReport() throws {
    let text = try scratch.write("<b>&.txt", String(repeating: "a b c d e f g ", count: 200))
    let report = scratch("report.html")
    let run = try Moepack.run(
      [
        "compress", Sample.micro, "-o", scratch("x.moepack"), "--calibration", text, "--report",
        report, "--tokens", "512", "--context", "64",
      ])
    #expect(run.status == 0, "\(run.complaint)")
    let page = String(decoding: try ScratchFolder.bytes(of: report), as: UTF8.self)
    #expect(page.contains("<html") && page.contains("&lt;b&gt;&amp;.txt"))
    #expect(!page.contains("<b>"))
  }

  @Test("what the method cannot do with this model is a failure that names the limit")
  func limits() throws {
    let cases: [([String], [String])] = [
      (["--prune", "0.9"], ["--prune", "0.75"]),
      (["--average-rank", "39"], ["38.4"]),
      (["--rank-multiple", "64"], ["38.4"]),
      (["--protect", "0:16"], ["0:16"]),
      (["--protect", "4:0"], ["4:0"]),
      (["--reception-sets", "22", "--reception-blocks", "3"], ["10000"]),
    ]
    for (options, words) in cases {
      try Moepack.fail(
        1,
        saying: words,
        ["compress", Sample.micro, "-o", scratch("x.moepack")] + options + Sample.short
      )
    }
    #expect(try ScratchFolder.names(in: scratch.path).isEmpty)
  }

  @Test("--prune 0 and --rank-keep dense each switch off one stage")
  func stagesOff() throws {
    for (options, kept, factored) in [
      (["--prune", "0"], 64, true), (["--rank-keep", "dense"], 48, false),
    ] {
      let run = try Moepack.run(
        ["compress", Sample.micro, "-o", scratch("x.moepack"), "--json", "--force"] + options
          + Sample.short
      )
      #expect(run.status == 0, "\(run.complaint)")
      let layers = try JSONValue(parsing: run.output)["layers"]?.array ?? []
      #expect(layers.reduce(0) { $0 + ($1["kept"]?.array?.count ?? 0) } == kept)
      #expect(layers.allSatisfy { ($0["factoring"]?.array?.isEmpty ?? true) == !factored })
      try Moepack.succeed("verify", scratch("x.moepack"))
    }
  }

  @Test("fewer tokens than an option asks for are used whole, with a warning that names it")
  func shortText() throws {
    for option in ["--tokens", "--search-tokens", "--reception-tokens"] {
      let rest = option == "--tokens" ? [] : ["--tokens", "1024"]
      let ids = try scratch.write("ids.json", "\((0..<1024).map { $0 * 7 % 1024 })")
      let run = try Moepack.run(
        [
          "plan", Sample.micro, "-o", scratch("p.json"), "--force", "--ids", ids, "--context",
          "128", option, "100000",
        ] + rest
      )
      #expect(run.status == 0, "\(run.complaint)")
      #expect(run.complaint.contains("warning: ") && run.complaint.contains(option), "\(option)")
    }
    // The defaults ask for more than this text has, too, but nobody gave their number.
    let quiet = try Moepack.run(
      ["plan", Sample.micro, "-o", scratch("p.json"), "--force"] + Sample.short
    )
    #expect(!quiet.complaint.contains("warning"), "\(quiet.complaint)")
  }

  @Test("a tensor without a role stops compress; ignored, it is copied")
  func ignoredTensor() throws {
    let model = try Sample.copy(in: scratch)
    try Strange.addTensor("model.extra.weight", to: "\(model)/model.safetensors", scratch)
    let line = ["compress", model, "-o", scratch("x.moepack")] + Sample.short
    try Moepack.fail(1, saying: ["model.extra.weight", "--ignore"], line)
    let run = try Moepack.run(line + ["--ignore", "^model.extra"])
    #expect(run.status == 0, "\(run.complaint)")
    let json = try Moepack.json("inspect", scratch("x.moepack"), "--match", "extra")
    #expect(json["tensors"]?[0]?["name"] == "model.extra.weight")
  }

  @Test("protected experts stay")
  func protected() throws {
    let run = try Moepack.run(
      [
        "plan", Sample.micro, "-o", scratch("p.json"), "--json", "--prune", "0.5", "--protect",
        "0:0,0:1,0:2,3:15",
      ] + Sample.short
    )
    #expect(run.status == 0, "\(run.complaint)")
    let layers = try JSONValue(parsing: run.output)["layers"]
    let first = Set(layers?[0]?["kept"]?.integers ?? [])
    #expect(first.isSuperset(of: [0, 1, 2]))
    #expect(layers?[3]?["kept"]?.integers.contains(15) == true)
  }

  @Test("a factor type that no matrix fits is named in the report, with what was taken")
  func factorTypeFallback() throws {
    let line = ["compress", Sample.micro, "-o", scratch("x.moepack"), "--force"] + Sample.short
    let fits = try Moepack.succeed(line + ["--factor-type", "iq4_nl", "--json"])
    let odd = try Moepack.succeed(line + ["--factor-type", "q4_k"])
    #expect(String(decoding: odd.output, as: UTF8.self).contains("matrices have factors in BF16"))
    let layers = try JSONValue(parsing: fits.output)["layers"]?.array ?? []
    let types = layers.flatMap { ($0["factoring"]?.array ?? []).compactMap { $0["type"]?.string } }
    #expect(!types.isEmpty && Set(types) == ["IQ4_NL"])
  }
}
