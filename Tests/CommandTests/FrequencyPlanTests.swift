import Fixtures
import ImportanceMatrix
import JSON
import SystemPackage
import Testing

/// `plan --imatrix`: experts go by how often they are used.
@Suite struct FrequencyPlanTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private static let gguf = Fixtures.path("oracles/gguf/micro-qwen2moe-Q8_0.gguf")

  /// An importance matrix of the experts of micro-qwen2moe's layers, with these counts.
  private func matrix(_ counts: [[Float]], named name: String = "m.gguf") throws -> String {
    let entries = counts.enumerated().map { layer, counts in
      ImportanceMatrix.Entry(
        name: "blk.\(layer).ffn_gate_exps.weight",
        sums: counts.map { _ in 1 },
        counts: counts
      )
    }
    try ImportanceMatrix(datasets: ["a.txt"], chunkCount: 1, chunkSize: 512, entries: entries)
      .write(to: FilePath(scratch(name)))
    return scratch(name)
  }

  /// Layers 0 to 3 of 16 experts; each begins with one that is used least.
  private static let counts: [[Float]] = (0..<4).map { layer in
    (0..<16).map { Float(($0 * 7 + layer) % 16 * 10 + 10) }
  }

  @Test("the least used go, as many in every layer, and the result runs")
  func plans() throws {
    let file = try matrix(FrequencyPlanTests.counts)
    let report = try Moepack.json(
      "plan",
      FrequencyPlanTests.gguf,
      "--imatrix",
      file,
      "--prune",
      "0.5",
      "-o",
      scratch("p.json")
    )
    for (layer, counts) in FrequencyPlanTests.counts.enumerated() {
      let kept = (0..<16).filter { counts[$0] > 80 }
      #expect(report["layers"]?[layer]?["kept"]?.integers == kept)
      #expect(report["layers"]?[layer]?["expertTokens"]?.integers == counts.map { Int($0) })
      #expect(report["layers"]?[layer]?["tokens"]?.integer == 340)
    }
    #expect(report["calibration"] == .null)
    try Moepack.succeed(
      "convert",
      FrequencyPlanTests.gguf,
      "--plan",
      scratch("p.json"),
      "-o",
      scratch("x.gguf")
    )
    let pruned = try Moepack.json("inspect", scratch("x.gguf"))
    #expect(pruned["expertsPerLayer"]?.integers == [8, 8, 8, 8])
    // compress takes it, too, with any text, and both are the same model.
    try Moepack.succeed(
      [
        "compress", FrequencyPlanTests.gguf, "--plan", scratch("p.json"), "-o",
        scratch("x.moepack"),
      ]
        + Sample.short
    )
    func perplexity(_ model: String) throws -> Double {
      let report = try Moepack.json(
        "evaluate",
        model,
        "--text",
        Sample.heldout,
        "--tokens",
        "2048"
      )
      return try #require(report["perplexity"]?.double)
    }
    let (a, b) = (try perplexity(scratch("x.gguf")), try perplexity(scratch("x.moepack")))
    #expect(abs(a / b - 1) < 1e-5, "\(a), \(b)")
  }

  @Test(
    "ranks may be edited in; sizes are then those of the plan, and without them no text is named"
  )
  func edited() throws {
    let file = try matrix(FrequencyPlanTests.counts)
    try Moepack.succeed("plan", Sample.micro, "--imatrix", file, "-o", scratch("p.json"))
    let line = [
      "compress", Sample.micro, "-o", scratch("x.moepack"), "--dry-run", "--json", "--plan",
    ]
    let dense = try JSONValue(parsing: Moepack.run(line + [scratch("p.json")]).output)
    #expect(dense["calibration"] == .null)
    let text = String(decoding: try ScratchFolder.bytes(of: scratch("p.json")), as: UTF8.self)
    try scratch.write(
      "q.json",
      ["gate", "up", "down"].reduce(text) { $0.replacing("\"\($1)\": null", with: "\"\($1)\": 8") }
    )
    let ranked = try JSONValue(parsing: Moepack.run(line + [scratch("q.json")]).output)
    #expect(ranked["calibration"]?["tokens"]?.integer != nil)
    // 12 experts in 4 layers, three pairs of BF16 factors of rank 8 for matrices of 64 x 96.
    #expect(ranked["bytes"]?["outputExperts"]?.integer == 4 * 12 * 3 * 2 * 8 * (64 + 96))
  }

  @Test("counts of calibrate --imatrix prune what --select frequency prunes")
  func sameAsMeasured() throws {
    let text = ["--calibration", Sample.heldout] + Sample.short
    try Moepack.succeed(
      ["calibrate", Sample.micro, "-o", scratch("s.safetensors"), "--imatrix", scratch("m.gguf")]
        + text
    )
    try Moepack.succeed(
      [
        "plan", Sample.micro, "-o", scratch("a.json"), "--select", "frequency", "--uniform",
        "--rank-keep", "dense",
      ] + text
    )
    try Moepack.succeed(
      "plan",
      Sample.micro,
      "-o",
      scratch("b.json"),
      "--imatrix",
      scratch("m.gguf"),
      "--select",
      "frequency",
      "--allocate",
      "uniform",
      "--rank-keep",
      "dense"
    )
    func kept(_ name: String) throws -> [[Int]] {
      let plan = try JSONValue(parsing: ScratchFolder.bytes(of: scratch(name)))
      return (plan["layers"]?.array ?? []).compactMap { $0["kept"]?.integers }
    }
    #expect(try kept("a.json") == kept("b.json"))
    #expect(try kept("a.json").map(\.count) == [12, 12, 12, 12])
  }

  @Test("of equals the lower number stays, and protected experts do")
  func ties() throws {
    let file = try matrix([[Float]](repeating: [Float](repeating: 3, count: 16), count: 4))
    let report = try Moepack.json(
      "plan",
      Sample.micro,
      "--imatrix",
      file,
      "--protect",
      "1:15,1:14",
      "-o",
      scratch("p.json")
    )
    #expect(report["layers"]?[0]?["kept"]?.integers == Array(0..<12))
    #expect(report["layers"]?[1]?["kept"]?.integers == Array(0..<10) + [14, 15])
  }

  @Test("a dry run writes nothing, and a promise of too little is refused")
  func dryRun() throws {
    let line = [
      "plan", Sample.micro, "--imatrix", try matrix(FrequencyPlanTests.counts), "-o",
      scratch("p.json"),
    ]
    let dry = try Moepack.run(line + ["--dry-run", "--json"])
    #expect(dry.status == 0, "\(dry.complaint)")
    let estimate = try #require(
      try JSONValue(parsing: dry.output)["estimatedPeakMemory"]?.integer
    )
    try Moepack.fail(1, saying: ["--memory"], line + ["--memory", "\(estimate - 1)"])
    #expect(try ScratchFolder.names(in: scratch.path) == ["m.gguf"])
    let run = try Moepack.run(line + ["--memory", "\(estimate)", "--json"])
    #expect(try JSONValue(parsing: run.output)["peakMemory"]?.integer ?? .max <= estimate)
    try Moepack.fail(1, saying: ["p.json", "--force"], line)
    try Moepack.succeed(line + ["--force"])
  }

  @Test("a matrix that does not count the experts is refused with the layer")
  func refusals() throws {
    func refuse(_ counts: [[Float]], _ words: String...) throws {
      let file = try matrix(counts)
      try Moepack.fail(
        1,
        saying: ["m.gguf"] + words,
        ["plan", Sample.micro, "--imatrix", file, "-o", scratch("p.json")]
      )
      #expect(try ScratchFolder.names(in: scratch.path) == ["m.gguf"])
    }
    let counts = FrequencyPlanTests.counts
    try refuse(Array(counts.prefix(3)), "layer 3", "no entry")
    try refuse(counts.dropLast() + [Array(counts[3].prefix(8))], "layer 3", "8 experts", "16")
    try refuse(
      [[Float](repeating: 0, count: 16)] + counts.dropFirst(),
      "layer 0",
      "no token reached"
    )
    try refuse([counts[0].map { $0 * 1e20 }] + counts.dropFirst(), "layer 0", "1e15")
  }

  @Test(
    "what asks for a measurement is misuse",
    arguments: [
      "--statistics s.safetensors", "--calibration a.txt", "--ids i.json", "--tokens 512",
      "--context 128",
      "--allocate bounded", "--lambda 0.1", "--search-tokens all", "--select genetic",
      "--rank-keep 0.5", "--average-rank 8", "--factor svd", "--reception-sets 2", "--prune 0",
    ]
  )
  func misuse(option: String) throws {
    let words = option.split(separator: " ").map(String.init)
    try Moepack.fail(
      64,
      saying: [words[0] == "--prune" ? "--imatrix" : words[0]],
      ["plan", Sample.micro, "--imatrix", "m.gguf", "-o", scratch("p.json")] + words
    )
  }
}
