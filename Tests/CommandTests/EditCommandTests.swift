import Fixtures
import GGUF
import Glibc
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// `edit`: the changes, the report, and what is refused.
@Suite struct EditCommandTests {
  let folder: TemporaryDirectory
  let model: String

  init() throws {
    folder = try TemporaryDirectory()
    let keys = [
      RawGGUF.pair("general.name", "old"), RawGGUF.pair("test.block_count", 4),
      RawGGUF.pair("test.large", 10, .littleEndian(UInt64.max)),
      RawGGUF.array("test.list", of: 0, 100, Array(0..<100)),
    ]
    model =
      try folder.write(
        RawGGUF.sound([("a", [5, 3]), ("b", [8])], keys: keys).bytes,
        to: "in.gguf"
      ).string
  }

  private func path(_ name: String) -> String { folder(name).string }

  private func open(_ name: String) throws -> GGUFCollection { try GGUFCollection(folder(name)) }

  @Test("the JSON has the keys of the interface")
  func keys() throws {
    let json = try Moepack.json(
      "edit",
      model,
      "-o",
      path("out.gguf"),
      "--set",
      "general.name=new",
      "--set",
      "x:u8=1",
      "--remove",
      "test.list",
      "--rename",
      "test.large=test.larger"
    )
    #expect(
      json.keys == ["output", "files", "tensors", "bytes", "changes", "peakMemory", "seconds"]
    )
    #expect(json["output"]?.string == path("out.gguf"))
    #expect(json["files"]?.array?.map(\.string) == [path("out.gguf")])
    #expect(json["tensors"]?.integer == 2)
    #expect(json["bytes"]?.integer == (try folder.bytes(of: "out.gguf")).count)
    let changes = try #require(json["changes"])
    #expect(
      changes[0]
        == ["key": "general.name", "change": "set", "from": "old", "to": "new", "type": "str"]
    )
    #expect(changes[1] == ["key": "x", "change": "set", "from": nil, "to": 1, "type": "u8"])
    // A long array is told by type and count.
    #expect(
      changes[2]
        == [
          "key": "test.list", "change": "removed", "from": ["type": "[u8]", "count": 100],
          "to": nil,
        ]
    )
    #expect(
      changes[3]
        == ["key": "test.large", "change": "renamed", "from": "test.large", "to": "test.larger"]
    )
    #expect(
      try open("out.gguf").metadata.map(\.key) == [
        "general.architecture", "general.name", "test.block_count", "test.larger", "x",
      ]
    )
  }

  @Test("text shows each change and escapes what a value may hold")
  func text() throws {
    let run = try Moepack.succeed(
      "edit",
      model,
      "-o",
      path("out.gguf"),
      "--set",
      "general.name=\u{1B}[31m",
      "--remove",
      "test.large"
    )
    #expect(run.text.contains("general.name: \"\\u001b[31m\", was \"old\""), "\(run.text)")
    #expect(run.text.contains("test.large: removed, was 18446744073709551615"))
    #expect(run.text.contains("out.gguf: 2 tensors"))
    #expect(!run.output.contains(0x1B))
  }

  @Test("a chat template is taken from a file byte for byte")
  func chatTemplate() throws {
    let text = "{% for m in messages %}\r\n{{ m['é'] }}{% endfor %}\n"
    let file = try folder.write(text, to: "t.jinja").string
    try Moepack.succeed("edit", model, "-o", path("out.gguf"), "--chat-template", file)
    #expect(try open("out.gguf").metadata["tokenizer.chat_template"] == .string(text))
    try folder.write("", to: "t.jinja")
    try Moepack.fail(
      1,
      saying: ["t.jinja", "--remove"],
      ["edit", model, "-o", path("x.gguf"), "--chat-template", file]
    )
  }

  @Test("tensors are as they were, whatever the alignment and the splits")
  func tensors() throws {
    try Moepack.succeed(
      "edit",
      model,
      "-o",
      path("out.gguf"),
      "--set",
      "general.alignment=128",
      "--split-max-tensors",
      "1"
    )
    #expect(folder.names == ["in.gguf", "out-00001-of-00002.gguf", "out-00002-of-00002.gguf"])
    let (old, new) = (try open("in.gguf"), try open("out-00002-of-00002.gguf"))
    #expect(new.files.allSatisfy { $0.header.alignment == 128 })
    for index in old.tensors.indices {
      #expect(try old.bytes(ofTensor: index) == new.bytes(ofTensor: index))
    }
  }

  @Test("another architecture is a warning: its own keys keep their names")
  func architecture() throws {
    let run = try Moepack.succeed(
      "edit",
      model,
      "-o",
      path("out.gguf"),
      "--set",
      "general.architecture=llama"
    )
    #expect(run.complaint.contains("warning") && run.complaint.contains("'test.*'"))
  }

  @Test("a dry run changes nothing and says what would be")
  func dryRun() throws {
    let json = try Moepack.json(
      "edit",
      model,
      "-o",
      path("out.gguf"),
      "--set",
      "general.name=new",
      "--dry-run"
    )
    #expect(folder.names == ["in.gguf"])
    #expect((1_000_000..<1_000_000_000).contains(json["estimatedPeakMemory"]?.integer ?? 0))
    let real = try Moepack.json("edit", model, "-o", path("out.gguf"), "--set", "general.name=new")
    for key in ["output", "files", "tensors", "bytes", "changes"] {
      #expect(json[key] == real[key])
    }
    #expect((real["peakMemory"]?.integer ?? .max) <= (json["estimatedPeakMemory"]?.integer ?? 0))
  }

  @Test(
    "what the file shows to be wrong is a failure that names it",
    arguments: [
      (["--remove", "general.nam"], "similar: 'general.name'"),
      (["--rename", "block_count=x"], "similar: 'test.block_count'"),
      (["--rename", "general.name=test.list"], "there already"),
      (["--set", "test.block_count=-1"], "0...4294967295"),
      (["--set", "test.list=[256]"], "0...255"), (["--set", "x=1"], "KEY:TYPE"),
    ].map { (arguments: $0.0, word: $0.1) }
  )
  func refused(arguments: [String], word: String) throws {
    let word = word == "KEY:TYPE" ? "x:TYPE=VALUE" : word
    try Moepack.fail(
      1,
      saying: ["in.gguf", word],
      ["edit", model, "-o", path("out.gguf")] + arguments
    )
    #expect(folder.names == ["in.gguf"])
  }

  // MARK: - Outputs

  @Test("an output that is a file of the input is refused, forced or not")
  func ownInput() throws {
    let before = try folder.bytes(of: "in.gguf")
    for output in [model, path("./in.gguf")] {
      try Moepack.fail(1, saying: ["in.gguf"], ["edit", model, "-o", output, "--force"])
    }
    try folder.link("link.gguf", to: "in.gguf")
    try Moepack.fail(
      1,
      saying: ["link.gguf"],
      ["edit", model, "-o", path("link.gguf"), "--force"]
    )
    #expect(try folder.bytes(of: "in.gguf") == before)
    #expect(folder.names == ["in.gguf", "link.gguf"])
  }

  @Test("an output that exists is kept without --force")
  func existing() throws {
    try folder.write("precious", to: "out.gguf")
    try Moepack.fail(1, saying: ["out.gguf", "--force"], ["edit", model, "-o", path("out.gguf")])
    #expect(try folder.bytes(of: "out.gguf") == Array("precious".utf8))
    try Moepack.succeed("edit", model, "-o", path("out.gguf"), "--force")
    #expect(try folder.bytes(of: "out.gguf") == folder.bytes(of: "in.gguf"))
    try folder.makeFolder("folder.gguf")
    try Moepack.fail(
      1,
      saying: ["folder.gguf"],
      ["edit", model, "-o", path("folder.gguf"), "--force"]
    )
  }

  // MARK: - Large models

  /// A model of so many MiB whose file has no bytes on the disk.
  private func writeSparse(_ mebibytes: Int) throws {
    let count = mebibytes << 20
    var file = RawGGUF()
    file.keys = [RawGGUF.pair("general.architecture", "test")]
    file.tensors = [RawGGUF.tensor("large", [Int64(count)], type: 24)]
    let header = (file.bytes.count + 31) / 32 * 32
    try folder.write(file.bytes, to: "large.gguf")
    try folder.resize("large.gguf", to: header + count)
  }

  @Test("memory does not grow with the model")
  func constantMemory() throws {
    try writeSparse(200)
    for threads in [1, 4] {
      let json = try Moepack.json(
        "edit",
        path("large.gguf"),
        "-o",
        path("out.gguf"),
        "--force",
        "--threads",
        "\(threads)"
      )
      #expect((json["peakMemory"]?.integer ?? .max) < 60_000_000)
    }
  }

  @Test("an interrupted run leaves nothing behind", arguments: [SIGINT, SIGTERM])
  func interrupted(signal: Int32) throws {
    try writeSparse(200)
    var wait: UInt32 = 20
    while true {
      let run = try Moepack.run(
        [
          "edit", path("large.gguf"), "-o", path("out.gguf"), "--split-max-tensors", "1",
          "--threads", "1",
        ],
        ending: (signal: signal, after: wait)
      )
      if run.status == 0 { break }
      // Before it watches for signals, a program dies of them.
      #expect(run.status == 128 + signal || run.signal == signal)
      #expect(run.output.isEmpty)
      #expect(folder.names == ["in.gguf", "large.gguf"])
      wait *= 2
    }
  }

  @Test("a file at the size limit of the process is an error that leaves nothing")
  func sizeLimit() throws {
    try writeSparse(2)
    let run = try Moepack.run(
      ["edit", "large.gguf", "-o", "out.gguf"],
      in: folder.path.string,
      limit: "-f 1024"
    )
    #expect(run.status == 1 && run.output.isEmpty)
    #expect(run.complaint.contains("out.gguf.partial") && run.complaint.contains("ulimit -f"))
    #expect(folder.names == ["in.gguf", "large.gguf"])
  }
}
