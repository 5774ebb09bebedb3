import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import GGUF

@Suite("GGUF splits")
struct SplitTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func name(_ number: Int, of count: Int) -> String {
    "m-0000\(number)-of-0000\(count).gguf"
  }

  /// Writes three splits with a tensor each, `changing` one file or its keys.
  @discardableResult
  private func write(
    changing number: Int? = nil,
    _ change: (inout RawGGUF) -> Void = { _ in }
  ) throws -> FilePath {
    for split in 0..<3 {
      var file = RawGGUF.sound(
        [("t\(split)", [8])],
        keys: RawGGUF.splitKeys(UInt16(split), of: 3, tensors: 3)
      )
      if split == number { change(&file) }
      try folder.write(file.bytes, to: name(split + 1, of: 3))
    }
    return folder(name(1, of: 3))
  }

  private func refused(_ path: FilePath, naming file: String, saying words: String...) {
    let error = #expect(throws: GGUFError.self) { try GGUFCollection(path) }
    let text = error?.description ?? ""
    for word in [file] + words { #expect(text.contains(word), "no '\(word)' in: \(text)") }
  }

  // MARK: - Reading

  @Test("any split opens all", arguments: 1...3)
  func any(number: Int) throws {
    try write()
    let model = try GGUFCollection(folder(name(number, of: 3)))
    #expect(model.tensors.map(\.name) == ["t0", "t1", "t2"])
    #expect(model.tensors.map(\.fileIndex) == [0, 1, 2])
    #expect(model.files.map(\.path) == (1...3).map { folder(name($0, of: 3)) })
    #expect(model.metadata.map(\.key) == ["general.architecture"])
    #expect(try model.bytes(ofTensor: 2) == Array(0..<32))
  }

  @Test("splits may be links, as in the hub's cache")
  func links() throws {
    try write()
    for number in 1...3 {
      let bytes = try folder.bytes(of: name(number, of: 3))
      folder.remove(name(number, of: 3))
      try folder.write(bytes, to: "blobs/\(number)")
      try folder.link(name(number, of: 3), to: "blobs/\(number)")
    }
    #expect(try GGUFCollection(folder(name(2, of: 3))).tensors.count == 3)
  }

  @Test("splits are found in the folder of the one named, with a bare name, too")
  func bareName() {
    #expect(GGUFSplitName("m-00002-of-00003.gguf")?.path(of: 0) == "m-00001-of-00003.gguf")
    #expect(GGUFSplitName("a/b-c-00002-of-00012.gguf")?.path(of: 11) == "a/b-c-00012-of-00012.gguf")
    #expect(GGUFSplitName("m-100000-of-123456.gguf")?.number == 99_999)
    for name in [
      "m.gguf", "m-2-of-3.gguf", "m-00004-of-00003.gguf", "m-00000-of-00003.gguf",
      "m-00001-of-00003.bin", "m-000001-of-000003.gguf", "m-0000x-of-00003.gguf", "-of-00003.gguf",
      "00001-of-00003.gguf", "m-00001-from-00003.gguf",
    ] {
      #expect(GGUFSplitName(FilePath(name)) == nil, "\(name)")
    }
  }

  @Test("missing splits are counted and the first is named")
  func missing() throws {
    try write()
    folder.remove(name(1, of: 3))
    folder.remove(name(3, of: 3))
    refused(
      folder(name(2, of: 3)),
      naming: name(2, of: 3),
      saying: "split \(name(1, of: 3)) is missing",
      "1 more",
      "download"
    )
  }

  @Test("a split under the name of another is refused")
  func swapped() throws {
    try write()
    let bytes = try folder.bytes(of: name(2, of: 3))
    try folder.write(try folder.bytes(of: name(3, of: 3)), to: name(2, of: 3))
    try folder.write(bytes, to: name(3, of: 3))
    for number in 1...3 {
      refused(
        folder(name(number, of: 3)),
        naming: number == 3 ? name(3, of: 3) : name(2, of: 3),
        saying: "renamed or swapped"
      )
    }
  }

  @Test("a renamed split is refused")
  func renamed() throws {
    try write()
    try folder.write(try folder.bytes(of: name(1, of: 3)), to: "x.gguf")
    refused(folder("x.gguf"), naming: "x.gguf", saying: "-00001-of-00003.gguf")
  }

  @Test("a split given twice is refused, and one that is the copy of another")
  func twice() throws {
    try write()
    let (one, two, three) = (
      folder(name(1, of: 3)), folder(name(2, of: 3)), folder(name(3, of: 3))
    )
    #expect(throws: GGUFError.splitTwice(first: two, second: two, number: 1)) {
      try GGUFCollection(paths: [one, two, two, three])
    }
    try folder.write(try folder.bytes(of: name(1, of: 3)), to: name(2, of: 3))
    refused(one, naming: name(2, of: 3), saying: "split 1 of 3")
  }

  @Test("splits are joined in their own order, whatever order they are given in")
  func paths() throws {
    try write()
    let paths = [3, 1, 2].map { folder(name($0, of: 3)) }
    #expect(try GGUFCollection(paths: paths).tensors.map(\.name) == ["t0", "t1", "t2"])
    let error = #expect(throws: GGUFError.self) { try GGUFCollection(paths: [paths[0], paths[2]]) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("split 1 of 3 is missing"))
    try folder.write(BadGGUF.sound.bytes, to: "whole.gguf")
    #expect(throws: GGUFError.missingKey(file: folder("whole.gguf"), key: "split.count")) {
      try GGUFCollection(paths: paths + [folder("whole.gguf")])
    }
    #expect(try GGUFCollection(paths: [folder("whole.gguf")]).tensors.count == 2)
  }

  @Test("a truncated split is refused by its name")
  func truncated() throws {
    let first = try write()
    try folder.resize(name(3, of: 3), to: try folder.bytes(of: name(3, of: 3)).count - 1)
    refused(first, naming: name(3, of: 3), saying: "download")
    try folder.resize(name(3, of: 3), to: 30)
    refused(first, naming: name(3, of: 3), saying: "download")
    try folder.write([], to: name(3, of: 3))
    refused(first, naming: name(3, of: 3), saying: "an empty file")
    folder.remove(name(3, of: 3))
    try folder.makeFolder(name(3, of: 3))
    #expect(throws: StorageError.notRegularFile(path: folder(name(3, of: 3)))) {
      try GGUFCollection(first)
    }
  }

  @Test("counts that disagree are refused")
  func counts() throws {
    let keys = { (number: UInt16, count: UInt16, tensors: Int32) in
      [RawGGUF.pair("general.architecture", "test")]
        + RawGGUF.splitKeys(number, of: count, tensors: tensors)
    }
    var first = try write(changing: 1) { $0.keys = keys(1, 4, 3) }
    refused(first, naming: name(2, of: 3), saying: "split.count", "4", "3")
    first = try write(changing: 1) { $0.keys = keys(1, 3, 4) }
    refused(first, naming: name(2, of: 3), saying: "split.tensors.count", "4")
    for number in 0..<3 {
      var file = RawGGUF.sound([("t\(number)", [8])])
      file.keys = keys(UInt16(number), 3, 5)
      try folder.write(file.bytes, to: name(number + 1, of: 3))
    }
    refused(first, naming: name(1, of: 3), saying: "5 tensors together", "there are 3")
    first = try write(changing: 0) { $0.keys = keys(3, 3, 3) }
    refused(first, naming: name(1, of: 3), saying: "split.no", "3")
  }

  @Test("keys of a split that are missing or of another type are refused")
  func keys() throws {
    for key in ["split.no", "split.tensors.count"] {
      let first = try write(changing: 0) { file in
        file.keys.removeAll { $0.starts(with: RawGGUF.string(key)) }
      }
      refused(first, naming: name(1, of: 3), saying: "'\(key)' is missing")
    }
    var first = try write(changing: 2) { file in
      file.keys.removeAll { $0.starts(with: RawGGUF.string("split.count")) }
    }
    refused(first, naming: name(3, of: 3), saying: "'split.count' is missing")
    first = try write(changing: 1) { $0.keys[1] = RawGGUF.pair("split.no", 1) }
    refused(first, naming: name(2, of: 3), saying: "split.no", "u32", "u16")
    first = try write(changing: 0) { $0.keys[2] = RawGGUF.pair("split.count", "3") }
    refused(first, naming: name(1, of: 3), saying: "split.count", "str", "u16")
    first = try write(changing: 0) { $0.keys[3] = RawGGUF.pair("split.tensors.count", 3) }
    refused(first, naming: name(1, of: 3), saying: "split.tensors.count", "u32", "i32")
  }

  @Test("splits of two models are refused")
  func foreign() throws {
    var first = try write(changing: 1) {
      $0.keys[0] = RawGGUF.pair("general.architecture", "other")
    }
    refused(first, naming: name(2, of: 3), saying: "general.architecture", "'other'", "'test'")
    first = try write(changing: 1) { $0.tensors = [RawGGUF.tensor("t0", [8])] }
    refused(first, naming: name(2, of: 3), saying: "'t0'", name(1, of: 3))
    // Later splits by llama.cpp's tool do not name the architecture.
    first = try write(changing: 1) { $0.keys.removeFirst() }
    #expect(try GGUFCollection(first).tensors.count == 3)
  }

  @Test("keys of the model in a later split are left out with a warning")
  func laterKeys() throws {
    let first = try write(changing: 1) {
      $0.keys.append(RawGGUF.pair("important.key", "hello"))
      $0.keys.append(RawGGUF.pair("other.key", 7))
      $0.keys.append(RawGGUF.pair("general.alignment", 32))
    }
    let model = try GGUFCollection(first)
    #expect(model.metadata.map(\.key) == ["general.architecture"])
    #expect(model.warnings.count == 1)
    let warning = model.warnings.first ?? ""
    for word in [name(2, of: 3), "2 of its keys", "'important.key'"] {
      #expect(warning.contains(word), "no '\(word)' in: \(warning)")
    }
  }

  @Test("keys that every split has alike are lost to nobody, those that differ are")
  func sameKeys() throws {
    let first = try write()
    func warnings(_ value: String) throws -> [String] {
      for split in 0..<3 {
        var file = RawGGUF.sound(
          [("t\(split)", [8])],
          keys: RawGGUF.splitKeys(UInt16(split), of: 3, tensors: 3)
        )
        file.keys.append(RawGGUF.pair("a.key", split == 2 ? value : "same"))
        try folder.write(file.bytes, to: name(split + 1, of: 3))
      }
      return try GGUFCollection(first).warnings
    }
    #expect(try warnings("same") == [])
    #expect(try warnings("other").count == 1)
  }

  @Test("a merged file has the keys of a split with a count of 0")
  func merged() throws {
    var file = RawGGUF.sound([("t", [8])], keys: RawGGUF.splitKeys(0, of: 0, tensors: 1))
    try folder.write(file.bytes, to: "merged.gguf")
    let model = try GGUFCollection(folder("merged.gguf"))
    #expect(model.tensors.count == 1 && model.warnings == [])
    #expect(model.metadata.map(\.key) == ["general.architecture"])
    file = RawGGUF.sound([("t", [8])], keys: RawGGUF.splitKeys(0, of: 1, tensors: 1))
    try folder.write(file.bytes, to: "m-00001-of-00001.gguf")
    #expect(try GGUFCollection(folder("m-00001-of-00001.gguf")).warnings == [])
  }

  @Test("a whole file with the name of a split is read with a warning")
  func wholeNamedSplit() throws {
    try folder.write(BadGGUF.sound.bytes, to: name(1, of: 2))
    let model = try GGUFCollection(folder(name(1, of: 2)))
    #expect(model.tensors.count == 2)
    #expect(model.warnings.count == 1)
    #expect(model.warnings[0].contains("split 1 of 2"))
  }

  // MARK: - Writing

  @Test(
    "a model is the same however it is split",
    arguments: [
      .init(tensors: 1), .init(tensors: 3), .init(bytes: 1), .init(bytes: 300),
      .init(bytes: 300, tensors: 2), .init(tensors: 3, isFirstEmpty: true),
    ] as [GGUFShardPlan.Limits]
  )
  func written(limits: GGUFShardPlan.Limits) throws {
    for alignment in [32, 64] as [UInt32] {
      var model = Model.sample
      model.metadata["general.alignment"] = .uint32(alignment)
      try model.write(folder("out.gguf"), limits)
      let plan = try model.plan(folder("out.gguf"), limits)
      #expect(folder.names == plan.shards.map { $0.path.lastComponent?.string ?? "" })
      for (number, shard) in plan.shards.enumerated() {
        let split = try GGUFCollection(shard.path)
        #expect(split.metadata == model.metadata)
        #expect(try model.isHeld(by: split))
        #expect(split.warnings == [])
        try split.verify { Issue.record("\($0.path): \($1): \($2)") }
        let file = split.files[number]
        #expect(file.byteCount == shard.layout.byteCount)
        #expect(file.metadata["split.no"] == .uint16(UInt16(number)))
        #expect(file.metadata["split.count"] == .uint16(UInt16(plan.shards.count)))
        #expect(file.metadata["split.tensors.count"] == .int32(7))
        #expect(
          file.metadata.suffix(3).map(\.key) == ["split.no", "split.tensors.count", "split.count"]
        )
        #expect(number == 0 || file.metadata.count == 4)
        #expect(file.header.alignment == Int(alignment))
      }
      for name in folder.names { folder.remove(name) }
    }
  }

  /// By `should_split` of llama.cpp's gguf-split: tensors counted with their padding, keys not.
  @Test("splits are filled in order, and a larger tensor gets one of its own")
  func groups() throws {
    func groups(_ sizes: [Int], _ limits: GGUFShardPlan.Limits) throws -> [[Int]] {
      let tensors = sizes.enumerated().map {
        TensorLayout(name: "t\($0)", type: .i8, shape: [$1])
      }
      return try GGUFShardPlan(
        destination: "m.gguf",
        metadata: GGUFMetadata(),
        tensors: tensors,
        limits: limits
      ).shards.map(\.tensors)
    }
    #expect(try groups([32, 32, 32], .init()) == [[0, 1, 2]])
    #expect(try groups([32, 32, 32], .init(bytes: 64)) == [[0, 1], [2]])
    #expect(try groups([32, 33, 32], .init(bytes: 64)) == [[0], [1], [2]])
    #expect(try groups([100, 32, 32], .init(bytes: 64)) == [[0], [1, 2]])
    #expect(try groups([32, 32, 100], .init(bytes: 64)) == [[0, 1], [2]])
    #expect(try groups([1, 1, 1, 1, 1], .init(tensors: 2)) == [[0, 1], [2, 3], [4]])
    #expect(try groups([1, 1], .init(tensors: 2)) == [[0, 1]])
    #expect(try groups([1, 1], .init(isFirstEmpty: true)) == [[], [0, 1]])
    #expect(try groups([], .init(tensors: 2, isFirstEmpty: true)) == [[]])
    #expect(try groups([1, 1], .init(tensors: 0)) == [[0], [1]])
  }

  @Test("how a source was split is forgotten")
  func forgotten() throws {
    var model = Model.sample
    model.metadata["split.no"] = .uint16(4)
    model.metadata["split.count"] = .uint16(9)
    model.metadata["split.tensors.count"] = .int32(99)
    try model.write(folder("out.gguf"))
    #expect(try GGUFReader(folder("out.gguf")).metadata == Model.sample.metadata)
  }

  @Test("more tensors than a file may have go into splits")
  func manyTensors() throws {
    let tensors = (0...1 << 20).map { TensorLayout(name: "t\($0)", type: .i8, shape: [1]) }
    func plan(_ limits: GGUFShardPlan.Limits) throws -> GGUFShardPlan {
      try GGUFShardPlan(
        destination: folder("m.gguf"),
        metadata: GGUFMetadata(),
        tensors: tensors,
        limits: limits
      )
    }
    #expect(try plan(.init(tensors: 1 << 20)).shards.map(\.tensors.count) == [1 << 20, 1])
    let error = #expect(throws: GGUFError.self) { try plan(.init()) }
    let text = error?.description ?? ""
    for word in ["m.gguf", "1048577 tensors", "--split-max-tensors"] {
      #expect(text.contains(word), "no '\(word)' in: \(text)")
    }
  }

  @Test("a name that comes twice is refused, though the two would be in different splits")
  func twiceInSplits() throws {
    let tensors = ["a", "b", "a"].map { TensorLayout(name: $0, type: .i8, shape: [1]) }
    let expected = GGUFError.duplicateTensor(file: folder("m.gguf"), offset: nil, tensor: "a")
    #expect(throws: expected) {
      try GGUFShardPlan(
        destination: folder("m.gguf"),
        metadata: GGUFMetadata(),
        tensors: tensors,
        limits: .init(tensors: 1)
      )
    }
  }

  @Test("more splits than can be counted are refused")
  func tooMany() throws {
    let tensors = (0..<65_536).map { TensorLayout(name: "t\($0)", type: .i8, shape: [1]) }
    let error = #expect(throws: GGUFError.self) {
      try GGUFShardPlan(
        destination: folder("m.gguf"),
        metadata: GGUFMetadata(),
        tensors: tensors,
        limits: .init(tensors: 1)
      )
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("65536 splits"))
  }
}
