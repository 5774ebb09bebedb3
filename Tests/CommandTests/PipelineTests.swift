import Fixtures
import JSON
import Testing

/// The same bytes, whichever way they are made.
@Suite struct PipelineTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func succeed(_ arguments: [String]) throws {
    let run = try Moepack.run(arguments)
    try #require(run.status == 0, "\(arguments.joined(separator: " ")): \(run.complaint)")
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    try ScratchFolder.bytes(of: scratch(name))
  }

  /// Options of the method under which the ways are compared, each with those calibrate needs.
  static let settings: [(pruning: [String], method: [String])] = [
    ([], []),
    (["--uniform", "--prune", "0.3"], ["--factor", "svd", "--factor-type", "f32"]),
    (["--search-tokens", "all"], ["--rank-keep", "dense", "--select", "genetic", "--seed", "5"]),
    (
      ["--allocate", "inverse"], ["--factor-type", "q8_0", "--alpha", "0", "--rank-multiple", "4"]
    ),
    ([], ["--factor-type", "Q5_1"]),
  ]

  @Test(
    "calibrate, plan and compress --plan give the bytes of compress",
    arguments: settings.indices
  )
  func threeSteps(setting: Int) throws {
    let (pruning, method) = PipelineTests.settings[setting]
    try succeed(
      ["compress", Sample.micro, "-o", scratch("one.moepack")] + pruning + method + Sample.short
    )
    try succeed(
      ["calibrate", Sample.micro, "-o", scratch("s.safetensors")] + pruning + Sample.short
    )
    try succeed(
      [
        "plan", Sample.micro, "-o", scratch("p.json"), "--statistics", scratch("s.safetensors"),
      ] + pruning + method + Sample.short
    )
    try succeed(
      ["compress", Sample.micro, "-o", scratch("three.moepack"), "--plan", scratch("p.json")]
        + Sample.short
    )
    #expect(try bytes("one.moepack") == bytes("three.moepack"))
    // Planning that measures by itself plans the same.
    try succeed(
      ["plan", Sample.micro, "-o", scratch("q.json")] + pruning + method + Sample.short
    )
    #expect(try bytes("p.json") == bytes("q.json"))
    #expect(
      try ScratchFolder.names(in: scratch.path)
        == ["one.moepack", "p.json", "q.json", "s.safetensors", "three.moepack"]
    )
  }

  @Test("one thread and two give the same bytes", arguments: ["micro-qwen2moe", "tiny-mixtral"])
  func threads(model: String) throws {
    let model = Fixtures.path("models/\(model)")
    for threads in ["1", "2"] {
      let rest = Sample.short + ["--threads", threads]
      try succeed(["compress", model, "-o", scratch("\(threads).moepack")] + rest)
      try succeed(["calibrate", model, "-o", scratch("\(threads).safetensors")] + rest)
      try succeed(["plan", model, "-o", scratch("\(threads).json")] + rest)
      try succeed([
        "convert", model, "-o", scratch("lossless-\(threads).moepack"), "--threads", threads,
      ])
    }
    #expect(try bytes("1.moepack") == bytes("2.moepack"))
    #expect(try bytes("1.safetensors") == bytes("2.safetensors"))
    #expect(try bytes("1.json") == bytes("2.json"))
    #expect(try bytes("lossless-1.moepack") == bytes("lossless-2.moepack"))
  }

  @Test("streams spooled to disk for want of memory give the same bytes")
  func littleMemory() throws {
    let options = [
      "--tokens", "16384", "--context", "512", "--search-tokens", "64", "--reception-tokens", "64",
    ]
    let dry = try Moepack.run(
      ["compress", Sample.micro, "-o", scratch("x.moepack"), "--dry-run", "--json"] + options
    )
    let estimate = try #require(
      try JSONValue(parsing: dry.output)["estimatedPeakMemory"]?.integer
    )
    try scratch.makeFolder("work")
    try succeed(["compress", Sample.micro, "-o", scratch("plain.moepack")] + options)
    // A little less than it would like makes it spool.
    try succeed(
      [
        "compress", Sample.micro, "-o", scratch("spooled.moepack"), "--memory", "\(estimate - 1)",
        "--work-directory", scratch("work"),
      ] + options
    )
    #expect(try bytes("plain.moepack") == bytes("spooled.moepack"))
    #expect(try ScratchFolder.names(in: scratch("work")).isEmpty)
  }

  @Test("the estimate counts the text of --evaluate and every combination of sets")
  func estimates() throws {
    func estimate(_ more: [String]) throws -> Int {
      let run = try Moepack.run(
        ["compress", Sample.micro, "-o", scratch("x.moepack"), "--dry-run", "--json"]
          + Sample.short + more
      )
      return try #require(try JSONValue(parsing: run.output)["estimatedPeakMemory"]?.integer)
    }
    let plain = try estimate([])
    // A long text for so small a model: 120 bytes for each of its tokens.
    let text = String(repeating: "In the beginning was the word. ", count: 60_000)
    try scratch.write("long.txt", text)
    let evaluating = try estimate(["--evaluate", scratch("long.txt")])
    #expect(evaluating > plain + 40 * text.utf8.count / 4)
    let run = try Moepack.run(
      ["compress", Sample.micro, "-o", scratch("x.moepack"), "--memory", "\(plain + 2_000_000)"]
        + ["--evaluate", scratch("long.txt")] + Sample.short
    )
    #expect(run.status == 1)
    #expect(run.complaint.contains("--evaluate"), "\(run.complaint)")
    // 20^3 combinations of streams of 64 floats exist for a row at least.
    #expect(try estimate(["--reception-sets", "20"]) > plain + 20 * 20 * 20 * 4 * 64)
    #expect(try ScratchFolder.names(in: scratch.path) == ["long.txt"])
  }

  @Test("compressing a lossless pack gives what compressing its folder gives")
  func fromPack() throws {
    try succeed(["convert", Sample.micro, "-o", scratch("m.moepack")])
    try succeed(["compress", scratch("m.moepack"), "-o", scratch("x.moepack")] + Sample.short)
    let plain = try ScratchFolder.bytes(of: try Compressed.pack())
    #expect(try bytes("x.moepack") == plain)
  }

  @Test("statistics and plans of another stream, model or option are refused by name")
  func mismatches() throws {
    try succeed(["calibrate", Sample.micro, "-o", scratch("s.safetensors")] + Sample.short)
    try succeed(
      [
        "plan", Sample.micro, "-o", scratch("p.json"), "--statistics", scratch("s.safetensors"),
      ] + Sample.short
    )
    let other = [
      ["--tokens", "512", "--context", "128"], ["--tokens", "1024", "--context", "64"],
      Sample.short + ["--calibration", Sample.heldout], [],
    ]
    for text in other {
      try Moepack.fail(
        1,
        saying: ["s.safetensors"],
        [
          "plan", Sample.micro, "-o", scratch("q.json"), "--statistics", scratch("s.safetensors"),
        ] + text
      )
      try Moepack.fail(
        1,
        saying: ["p.json"],
        ["compress", Sample.micro, "-o", scratch("x.moepack"), "--plan", scratch("p.json")] + text
      )
    }
    let mixtral = Sample.mixtral
    try Moepack.fail(
      1,
      saying: ["s.safetensors"],
      ["plan", mixtral, "-o", scratch("q.json"), "--statistics", scratch("s.safetensors")]
        + Sample.short
    )
    try Moepack.fail(
      1,
      saying: ["p.json"],
      ["compress", mixtral, "-o", scratch("x.moepack"), "--plan", scratch("p.json")]
        + Sample.short
    )
    // More pruning than the sample was made for.
    try Moepack.fail(
      1,
      saying: ["--prune"],
      [
        "plan", Sample.micro, "-o", scratch("q.json"), "--statistics", scratch("s.safetensors"),
        "--prune", "0.6",
      ] + Sample.short
    )
    #expect(try ScratchFolder.names(in: scratch.path) == ["p.json", "s.safetensors"])
  }

  @Test("an edited plan is validated anew and carried out")
  func editedPlan() throws {
    try succeed(["plan", Sample.micro, "-o", scratch("p.json"), "--uniform"] + Sample.short)
    let plan = try JSONValue(parsing: try bytes("p.json"))
    let kept = try #require(plan["layers"]?[0]?["kept"]?.integers)
    func write(_ name: String, _ change: (inout JSONObject) -> Void) throws {
      guard case .object(var root) = plan, var layers = plan["layers"]?.array,
        case .object(var layer) = layers[0]
      else { return }
      change(&layer)
      layers[0] = .object(layer)
      root["layers"] = .array(layers)
      try scratch.write(name, JSONValue.object(root).text(pretty: true))
    }
    func line(_ name: String) -> [String] {
      ["compress", Sample.micro, "-o", scratch("x.moepack"), "--plan", scratch(name), "--json"]
        + Sample.short
    }
    var ranks = try #require(plan["layers"]?[0]?["ranks"]?.array)
    guard case .object(var first) = ranks[0] else { return }
    first["gate"] = 5
    first["down"] = .null
    ranks[0] = .object(first)
    try write("good.json") { $0["ranks"] = .array(ranks) }
    let run = try Moepack.run(line("good.json"))
    #expect(run.status == 0, "\(run.complaint)")
    let layer = try JSONValue(parsing: run.output)["layers"]?[0]
    #expect(layer?["ranks"]?[0]?["gate"]?.integer == 5)
    #expect(layer?["factoring"]?[0]?["rank"]?.integer == 5)
    try succeed(["verify", scratch("x.moepack")])
    try succeed(
      [
        "evaluate", scratch("x.moepack"), "--text", Sample.heldout, "--tokens", "64", "--context",
        "32",
      ])

    let bad: [(JSONObject) -> JSONObject] = [
      { with($0, "kept", JSONValue(kept.reversed())) },
      { with($0, "kept", JSONValue([kept[0]] + kept)) },
      { with($0, "kept", JSONValue(kept.dropLast() + [16])) },
      { with($0, "kept", JSONValue([0, 1, 2])) },
      { with($0, "kept", "all") },
      { with($0, "ranks", .array(Array(ranks.dropLast()))) },
      { with($0, "ranks", .array([rank(first, 0)] + ranks.dropFirst())) },
      { with($0, "ranks", .array([rank(first, 39)] + ranks.dropFirst())) },
      { with($0, "types", .array(kept.map { _ in "IQ2_S" })) },
    ]
    for (number, change) in bad.enumerated() {
      try write("bad.json") { $0 = change($0) }
      let run = try Moepack.run(line("bad.json") + ["--force"])
      #expect(run.status == 1, "change \(number)")
      #expect(run.output.isEmpty)
      #expect(run.complaint.contains("bad.json"), "change \(number): \(run.complaint)")
    }
  }

  @Test("a plan for other weights of the same shapes needs --allow-other-weights")
  func otherWeights() throws {
    try succeed(["plan", Sample.micro, "-o", scratch("p.json")] + Sample.short)
    let model = try Sample.copy(in: scratch)
    // A fine-tune: the same shapes under a configuration that differs in a detail.
    try Sample.edit(
      "model/config.json",
      in: scratch,
      "\"router_aux_loss_coef\": 0.01",
      "\"router_aux_loss_coef\": 0.02"
    )
    let line =
      ["compress", model, "-o", scratch("x.moepack"), "--plan", scratch("p.json")] + Sample.short
    try Moepack.fail(1, saying: ["p.json", "--allow-other-weights"], line)
    try succeed(line + ["--allow-other-weights"])
  }
}

/// An object with one value replaced.
private func with(_ object: JSONObject, _ key: String, _ value: JSONValue) -> JSONObject {
  var object = object
  object[key] = value
  return object
}

/// Ranks of an expert with another for its gate.
private func rank(_ object: JSONObject, _ value: Int) -> JSONValue {
  .object(with(object, "gate", JSONValue(value)))
}
