import Fixtures
import GGUF
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// `split` and `merge`.
@Suite struct SplitMergeCommandTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func path(_ name: String) -> String { folder(name).string }

  /// A model of three tensors of 32 bytes.
  private func write() throws -> String {
    try folder.write(RawGGUF.sound([("a", [8]), ("b", [8]), ("c", [8])]).bytes, to: "in.gguf")
      .string
  }

  @Test(
    "split and merged, a file is the same byte for byte",
    arguments: [
      ["--split-max-tensors", "4"], ["--split-max-size", "20kB"],
      ["--split-max-size", "1MiB", "--split-max-tensors", "10"],
      ["--split-max-tensors", "20", "--no-tensor-first-split"],
    ]
  )
  func roundTrip(options: [String]) throws {
    for name in ["gguf/every-type.gguf", "oracles/gguf/tiny-mixtral-Q4_0.gguf"] {
      guard let file = Fixtures.find(name) else { continue }
      let run = try Moepack.run(["split", file, "-o", path("x.gguf"), "--json"] + options)
      #expect(run.status == 0, "\(run.complaint)")
      let json = try JSONValue(parsing: run.output)
      let files = (json["files"]?.array ?? []).compactMap(\.string)
      #expect(files.map { FilePath($0).lastComponent?.string } == folder.names)
      #expect(json["changes"]?.array?.isEmpty == true)
      if files.count > 1 {
        try Moepack.succeed("merge", try #require(files.last), "-o", path("y.gguf"))
        #expect(try folder.bytes(of: "y.gguf") == readBytes(FilePath(file)))
      }
      for name in folder.names { folder.remove(name) }
    }
  }

  @Test("a model within the limits stays one file; one that is split is split anew")
  func again() throws {
    let model = try write()
    try Moepack.succeed("split", model, "-o", path("x.gguf"), "--split-max-tensors", "3")
    #expect(try folder.bytes(of: "x.gguf") == folder.bytes(of: "in.gguf"))
    try Moepack.succeed("split", model, "-o", path("y.gguf"), "--split-max-tensors", "1")
    try Moepack.succeed(
      "split",
      path("y-00002-of-00003.gguf"),
      "-o",
      path("z.gguf"),
      "--split-max-tensors",
      "2"
    )
    #expect(folder.names.filter { $0.hasPrefix("z") }.count == 2)
    #expect(
      try GGUFCollection(folder("z-00002-of-00002.gguf")).tensors.map(\.name) == ["a", "b", "c"]
    )
  }

  @Test("more splits than the soft limit on open files are read and written; past the hard one not")
  func openFiles() throws {
    let model = RawGGUF.sound((0..<80).map { ("t\($0)", [8]) }).bytes
    try folder.write(model, to: "in.gguf")
    let split = ["split", path("in.gguf"), "-o", path("x.gguf"), "--split-max-tensors", "1"]
    let merge = ["merge", path("x-00001-of-00080.gguf"), "-o", path("y.gguf")]
    func refused(_ line: [String], naming file: String) throws {
      let names = folder.names
      let run = try Moepack.run(line, limit: "-n 100")
      #expect(run.status == 1 && run.output.isEmpty)
      for word in [file, "of 100 that the process may have", "ulimit -n", "larger files"] {
        #expect(run.complaint.contains(word), "no '\(word)' in: \(run.complaint)")
      }
      #expect(folder.names == names)
    }
    try refused(split, naming: "x-00001-of-00080.gguf")
    for line in [split, merge] {
      let run = try Moepack.run(line, limit: "-S -n 64")
      #expect(run.status == 0, "\(run.complaint)")
    }
    #expect(folder.names.filter { $0.hasPrefix("x-") }.count == 80)
    #expect(try folder.bytes(of: "y.gguf") == model)
    folder.remove("y.gguf")
    try refused(merge, naming: "x-00001-of-00080.gguf")
  }

  @Test("a dry run names the splits and writes nothing")
  func dryRun() throws {
    let json = try Moepack.json(
      "split",
      try write(),
      "-o",
      path("x.gguf"),
      "--split-max-tensors",
      "2",
      "--dry-run"
    )
    #expect(
      json["files"]?.array?.map(\.string) == (1...2).map { path("x-0000\($0)-of-00002.gguf") }
    )
    #expect(json["estimatedPeakMemory"]?.integer != nil)
    #expect(folder.names == ["in.gguf"])
  }

  @Test("a split that exists is kept without --force, and none of the input is written over")
  func outputs() throws {
    let model = try write()
    try folder.write("precious", to: "x-00002-of-00003.gguf")
    let line = ["split", model, "-o", path("x.gguf"), "--split-max-tensors", "1"]
    try Moepack.fail(1, saying: ["x-00002-of-00003.gguf", "--force"], line)
    #expect(folder.names == ["in.gguf", "x-00002-of-00003.gguf"])
    #expect(try Moepack.run(line + ["--force"]).status == 0)
    let before = try folder.files()
    // The splits of this run would be the splits it reads.
    try Moepack.fail(
      1,
      saying: ["x-0000"],
      [
        "split", path("x-00003-of-00003.gguf"), "-o", path("x.gguf"), "--split-max-tensors", "1",
        "--force",
      ]
    )
    #expect(try folder.files() == before)
    // The whole model is not among them, and may lie beside its splits.
    try Moepack.succeed("split", model, "-o", model, "--split-max-tensors", "2")
    #expect(folder.names.contains("in-00001-of-00002.gguf"))
  }

  @Test("a whole file is not merged")
  func nothingToMerge() throws {
    try Moepack.fail(
      1,
      saying: ["in.gguf", "whole"],
      ["merge", try write(), "-o", path("x.gguf")]
    )
    #expect(folder.names == ["in.gguf"])
  }

  /// `gguf-split` can leave a single split.
  @Test("one split that is all of the model is merged")
  func single() throws {
    let keys = RawGGUF.splitKeys(0, of: 1, tensors: 1)
    try folder.write(
      RawGGUF.sound([("a", [8])], keys: keys).bytes,
      to: "x-00001-of-00001.gguf"
    )
    try Moepack.succeed("merge", path("x-00001-of-00001.gguf"), "-o", path("y.gguf"))
    #expect(try folder.bytes(of: "y.gguf") == RawGGUF.sound([("a", [8])]).bytes)
  }
}
