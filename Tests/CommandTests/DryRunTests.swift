import Fixtures
import JSON
import Testing

/// `--dry-run`: estimates, and nothing written.
@Suite struct DryRunTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func lines() -> [[String]] {
    [
      ["compress", Sample.micro, "-o", scratch("x.moepack")] + Sample.short,
      ["plan", Sample.micro, "-o", scratch("p.json")] + Sample.short,
      ["calibrate", Sample.micro, "-o", scratch("s.safetensors")] + Sample.short,
      ["convert", Sample.micro, "-o", scratch("x.moepack")],
      ["convert", Sample.micro, "-o", scratch("folder"), "--type", "F32"],
      [
        "evaluate", Sample.micro, "--text", Sample.heldout, "--tokens", "256", "--context", "64",
        "--save-logits", scratch("l.safetensors"),
      ],
    ]
  }

  @Test("every command that writes estimates its memory and writes nothing")
  func writesNothing() throws {
    for line in lines() {
      let run = try Moepack.run(line + ["--dry-run", "--json"])
      #expect(run.status == 0, "\(run.complaint)")
      let estimate = try JSONValue(parsing: run.output)["estimatedPeakMemory"]?.integer
      #expect((1_000_000..<1_000_000_000).contains(estimate ?? 0), "\(line[0])")
      let plain = try Moepack.run(line + ["--dry-run"])
      #expect(plain.status == 0 && plain.text.contains("estimated peak memory"))
    }
    #expect(try ScratchFolder.names(in: scratch.path).isEmpty)
  }

  @Test("a dry run of compress forecasts its sizes from above")
  func forecastsSizes() throws {
    let run = try Moepack.run(lines()[0] + ["--dry-run", "--json"])
    let json = try JSONValue(parsing: run.output)
    let report = try Compressed.report()
    #expect(json["bytes"]?["source"] == report["bytes"]?["source"])
    for key in ["output", "outputExperts"] {
      let bound = try #require(json["bytes"]?[key]?.integer)
      let stored = try #require(report["bytes"]?[key]?.integer)
      #expect(bound >= stored && bound <= 2 * stored, "\(key): \(bound), \(stored)")
    }
  }

  @Test("the peak stays below the estimate")
  func peakBelowEstimate() throws {
    for line in lines() {
      let dry = try Moepack.run(line + ["--dry-run", "--json", "--force"])
      let run = try Moepack.run(line + ["--json", "--force"])
      let estimate = try JSONValue(parsing: dry.output)["estimatedPeakMemory"]?.integer ?? 0
      let peak = try JSONValue(parsing: run.output)["peakMemory"]?.integer
      #expect((peak ?? .max) <= estimate, "\(line[0])")
    }
  }

  @Test("a dry run refuses what the run would refuse")
  func refusesTheSame() throws {
    try scratch.write("x.moepack", "there")
    try Moepack.fail(1, saying: ["--force"], lines()[0] + ["--dry-run"])
    try Moepack.fail(1, saying: ["--prune"], lines()[1] + ["--dry-run", "--prune", "0.9"])
    try Moepack.fail(1, saying: ["--memory"], lines()[2] + ["--dry-run", "--memory", "1MB"])
  }
}
