import Fixtures
import Glibc
import ImportanceMatrix
import JSON
import SystemPackage
import Testing

/// `calibrate --imatrix`.
@Suite struct ImatrixOptionTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func line(_ more: [String] = []) -> [String] {
    ["calibrate", Sample.micro, "-o", scratch("s.safetensors"), "--imatrix", scratch("x.gguf")]
      + Sample.short + more
  }

  @Test("it writes an importance matrix of the text beside the statistics, which stay the same")
  func writes() throws {
    let text = ["--calibration", Sample.heldout]
    let run = try Moepack.run(line(["--json"] + text))
    #expect(run.status == 0, "\(run.complaint)")
    #expect(try JSONValue(parsing: run.output)["imatrix"]?.string == scratch("x.gguf"))
    let matrix = try ImportanceMatrix(reading: FilePath(scratch("x.gguf")))
    #expect(matrix.datasets == ["heldout.jsonl"])
    #expect(matrix.chunkCount == 8 && matrix.chunkSize == 128)
    #expect(matrix.entries.count == 4 * 12)
    #expect(matrix["blk.3.ffn_gate_inp.weight"]?.counts == [1024])
    #expect(try ScratchFolder.names(in: scratch.path) == ["s.safetensors", "x.gguf"])
    let plain = try Moepack.run(
      ["calibrate", Sample.micro, "-o", scratch("p.safetensors"), "--json"] + Sample.short + text
    )
    #expect(try JSONValue(parsing: plain.output)["imatrix"] == nil)
    #expect(
      try ScratchFolder.bytes(of: scratch("p.safetensors"))
        == ScratchFolder.bytes(of: scratch("s.safetensors"))
    )
  }

  @Test("one that exists is refused without --force, an input and the other output always")
  func outputRules() throws {
    let old = try scratch.write("x.gguf", "precious")
    try Moepack.fail(1, saying: ["x.gguf", "--force"], line())
    #expect(try ScratchFolder.bytes(of: old) == Array("precious".utf8))
    #expect(try ScratchFolder.names(in: scratch.path) == ["x.gguf"])
    let forced = try Moepack.run(line(["--force"]))
    #expect(forced.status == 0, "\(forced.complaint)")
    #expect(try ImportanceMatrix(reading: FilePath(old)).chunkCount == 8)
    let rest = ["-o", scratch("t.safetensors"), "--force"] + Sample.short
    for (path, words) in [
      (Sample.micro, ["micro-qwen2moe"]),
      (scratch.path + "/./t.safetensors", ["t.safetensors"]),
      (scratch("no/x.gguf"), [scratch("no")]), (scratch.path, ["folder"]),
    ] {
      try Moepack.fail(1, saying: words, ["calibrate", Sample.micro, "--imatrix", path] + rest)
    }
    for path in ["", scratch("t.safetensors")] {
      try Moepack.fail(
        64,
        saying: ["--imatrix"],
        ["calibrate", Sample.micro, "--imatrix", path] + rest
      )
    }
  }

  @Test("a dry run counts its memory and writes nothing, and the peak keeps the promise")
  func memory() throws {
    func estimate(_ line: [String]) throws -> Int {
      let run = try Moepack.run(line + ["--dry-run", "--json"])
      return try #require(try JSONValue(parsing: run.output)["estimatedPeakMemory"]?.integer)
    }
    let plain = try estimate(
      ["calibrate", Sample.micro, "-o", scratch("s.safetensors")] + Sample.short
    )
    let whole = try estimate(line())
    // Sums of 16 experts in 64 bits, 96 and 64 channels each.
    #expect(whole >= plain + 8 * 16 * (96 + 64))
    #expect(try ScratchFolder.names(in: scratch.path).isEmpty)
    let run = try Moepack.run(line(["--json", "--memory", "\(whole)"]))
    #expect(run.status == 0, "\(run.complaint)")
    #expect(try JSONValue(parsing: run.output)["peakMemory"]?.integer ?? .max <= whole)
  }

  @Test("stopped again and again, a run ends with the undisturbed bytes; --discard leaves nothing")
  func resumed() throws {
    let whole = try ScratchFolder()
    let text = ["--tokens", "16384", "--threads", "1"]
    func line(_ scratch: ScratchFolder, _ more: [String] = []) -> [String] {
      [
        "calibrate", Sample.micro, "-o", scratch("s.safetensors"), "--imatrix", scratch("x.gguf"),
      ] + text + more
    }
    #expect(try Moepack.run(line(whole)).status == 0)
    var rounds = 0
    while true {
      let run = try Moepack.run(line(scratch), ending: (SIGKILL, UInt32(150 + 100 * rounds)))
      // Killed between naming its last output and its own end, a run has finished all the same.
      let names = try ScratchFolder.names(in: scratch.path)
      if run.status == 0 || names == ["s.safetensors", "x.gguf"] { break }
      #expect(run.signal == SIGKILL, "\(run.complaint)")
      rounds += 1
      try #require(rounds < 100, "the run never ends")
    }
    for name in ["s.safetensors", "x.gguf"] {
      #expect(
        try ScratchFolder.bytes(of: scratch(name)) == ScratchFolder.bytes(of: whole(name)),
        "\(name)"
      )
    }
    #expect(try ScratchFolder.names(in: scratch.path) == ["s.safetensors", "x.gguf"])

    let other = try ScratchFolder()
    var wait: UInt32 = 200
    while try !ScratchFolder.names(in: other.path).contains("x.gguf.partial") {
      try #require(wait < 20_000, "no run got as far as its file")
      try #require(try Moepack.run(line(other), ending: (SIGKILL, wait)).status != 0)
      wait += 100
    }
    try Moepack.fail(
      1,
      saying: ["another imatrix", "--restart"],
      ["calibrate", Sample.micro, "-o", other("s.safetensors")] + text
    )
    let discarded = try Moepack.run(
      ["calibrate", Sample.micro, "-o", other("s.safetensors"), "--discard"]
    )
    #expect(discarded.status == 0, "\(discarded.complaint)")
    #expect(try ScratchFolder.names(in: other.path) == [])
  }
}
