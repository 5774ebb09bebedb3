import Fixtures
import GGUF
import Glibc
import JSON
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Files by the Python package `gguf`, by `convert_hf_to_gguf.py` and by ggml's encoders, against what
/// that package reads in them.
@Suite("GGUF files of others")
struct OracleTests {
  static let expected: JSONObject = {
    let text = (try? FileSystem.contents(of: FilePath(Fixtures.path("gguf/expected.json")))) ?? []
    return (try? JSONValue(parsing: text))?.object ?? JSONObject()
  }()

  /// The files at hand: the larger ones are in the folder `shared` only.
  static let files: [String] = expected.keys.filter { path($0) != nil }

  static func path(_ name: String) -> String? {
    Fixtures.find("gguf/\(name)") ?? Fixtures.shared("oracles/gguf/\(name)")
  }

  private func open(_ name: String) throws -> GGUFReader {
    try GGUFReader(FilePath(try #require(OracleTests.path(name))))
  }

  @Test("the oracle is there")
  func present() {
    #expect(OracleTests.files.count >= 6)
  }

  @Test("keys, types, values, tensors and places are the Python package's", arguments: files)
  func read(name: String) throws {
    let file = try open(name)
    #expect(file.header.warnings == [])
    let expected = try #require(OracleTests.expected[name])
    #expect(Description.difference(try Description.of(file), expected) == nil)
  }

  @Test("nothing is left to report", arguments: files)
  func verified(name: String) throws {
    try open(name).verify { Issue.record("\($0): \($1)") }
  }

  /// A plan leaves out how its source was split.
  @Test(
    "written back with our writer, a file is the same byte for byte",
    arguments: files.filter { !$0.hasPrefix("split") }
  )
  func rewritten(name: String) throws {
    let file = try open(name)
    let folder = try TemporaryDirectory()
    let writer = try GGUFWriter(
      replacing: folder("out.gguf"),
      metadata: file.metadata,
      tensors: file.tensors.map { TensorLayout(name: $0.name, type: $0.type, shape: $0.shape) }
    )
    for index in file.tensors.indices.reversed() {
      try file.bytes(ofTensor: index).withUnsafeBytes {
        try writer.write($0, tensor: index, at: 0)
      }
    }
    try writer.finish()
    #expect(firstDifference(try folder.bytes(of: "out.gguf"), try readBytes(file.path)) == nil)
  }

  @Test(
    "a layout gives the header of a split byte for byte",
    arguments: files.filter { $0.hasPrefix("split") }
  )
  func splitHeader(name: String) throws {
    let file = try open(name)
    let layout = try GGUFLayout(
      metadata: file.metadata,
      tensors: file.tensors.map { TensorLayout(name: $0.name, type: $0.type, shape: $0.shape) },
      file: file.path
    )
    #expect(try file.headerBytes() == layout.header)
    #expect(layout.byteCount == file.byteCount)
    #expect(layout.ranges == file.tensors.map(\.fileRange))
  }

  /// Where that Python is which has the package: `MOEPACK_PYTHON`, or one beside the folder `shared`.
  private static let python: String? = {
    let named = getenv("MOEPACK_PYTHON").map { String(cString: $0) }
    // Python finds its packages by the path it is called by, which must not lead through links.
    let beside = Fixtures.shared("..").flatMap { FileSystem.resolved(FilePath($0)) }
      .map { $0.appending("venv/bin/python") }
    return named ?? beside.flatMap { FileSystem.exists($0) ? $0.string : nil }
  }()

  @Test(
    "what we write, whole and split, the Python package reads as we do",
    .enabled(if: python != nil, "MOEPACK_PYTHON names no Python with the package gguf")
  )
  func readByPeer() throws {
    let folder = try TemporaryDirectory()
    var model = Model.sample
    model.metadata["general.alignment"] = .uint32(64)
    try model.write(folder("whole.gguf"))
    try model.write(folder("split.gguf"), .init(tensors: 3))
    let program = try #require(OracleTests.python)
    let paths = folder.names.map { folder($0).string }
    let line = ([program, Fixtures.path("make_gguf.py"), "describe"] + paths)
      .map { "'\($0)'" }.joined(separator: " ")
    let output = try #require(popen(line, "r"))
    var text: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&room, 1, room.count, output), count > 0 { text += room[..<count] }
    #expect(pclose(output) == 0)
    let told = try #require(JSONValue(parsing: text).array)
    #expect(told.count == 4)
    for (path, expected) in zip(paths, told) {
      let got = try Description.of(GGUFReader(FilePath(path)))
      #expect(Description.difference(got, expected) == nil)
    }
  }

  @Test("splits by the Python package are read as one")
  func splits() throws {
    for number in 1...3 {
      let path = Fixtures.path("gguf/split-0000\(number)-of-00003.gguf")
      let model = try GGUFCollection(FilePath(path))
      #expect(model.tensors.map(\.name) == ["t0", "t1", "t2", "t3", "t4"])
      #expect(model.tensors.map(\.fileIndex) == [0, 0, 1, 1, 2])
      #expect(model.metadata.map(\.key) == ["general.architecture", "general.name"])
      #expect(model.warnings == [])
      for (index, tensor) in model.tensors.enumerated() {
        let file = model.files[tensor.fileIndex]
        let place = try #require(file.tensors.firstIndex { $0.name == tensor.name })
        #expect(try model.bytes(ofTensor: index) == file.bytes(ofTensor: place))
      }
      try model.verify { Issue.record("\($0.path): \($1): \($2)") }
    }
  }
}
