import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Safetensors

@Suite("Safetensors shards")
struct CollectionTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Writes a shard whose tensors hold one byte each.
  private func shard(_ name: String, _ tensors: [(String, UInt8)]) throws {
    try folder.write(
      RawSafetensors.file(tensors.map { RawTensor($0.0, .u8, [1], [$0.1]) }),
      to: name
    )
  }

  private func open(_ map: [(String, String)]) throws -> SafetensorsCollection {
    var object = JSONObject()
    for (tensor, shard) in map { object[tensor] = .string(shard) }
    let text = (["weight_map": .object(object)] as JSONValue).text(pretty: true)
    let path = try folder.write(text, to: "model.safetensors.index.json")
    return try SafetensorsCollection(index: try SafetensorsIndex(reading: path))
  }

  private func values(_ collection: SafetensorsCollection) throws -> [String: UInt8] {
    var values: [String: UInt8] = [:]
    for index in collection.tensors.indices {
      values[collection.tensors[index].name] = try collection.bytes(ofTensor: index)[0]
    }
    return values
  }

  @Test("the shards of an index are read as one")
  func two() throws {
    try shard("a.safetensors", [("x", 1), ("y", 2)])
    try shard("b.safetensors", [("z", 3)])
    let collection = try open([
      ("x", "a.safetensors"), ("y", "a.safetensors"), ("z", "b.safetensors"),
    ])
    #expect(try values(collection) == ["x": 1, "y": 2, "z": 3])
    #expect(collection.tensors.map(\.fileIndex) == [0, 0, 1])
    #expect(collection.warnings == [])
  }

  @Test("shards may be links, as in the hub's cache")
  func links() throws {
    try shard("blobs/abc", [("x", 1)])
    try folder.link("a.safetensors", to: "blobs/abc")
    #expect(try values(try open([("x", "a.safetensors")])) == ["x": 1])
  }

  @Test("a missing shard is named, with how many more are missing")
  func missingShard() throws {
    try shard("a.safetensors", [("x", 1)])
    let index = folder("model.safetensors.index.json")
    #expect(
      throws: SafetensorsError.missingShard(file: index, shard: "b.safetensors", missing: 2)
    ) {
      try open([("x", "a.safetensors"), ("y", "b.safetensors"), ("z", "c.safetensors")])
    }
  }

  @Test("a shard that lacks a tensor of the index is named")
  func missingTensor() throws {
    try shard("a.safetensors", [("x", 1)])
    try shard("b.safetensors", [("z", 3)])
    let index = folder("model.safetensors.index.json")
    #expect(
      throws: SafetensorsError.missingTensor(file: index, tensor: "y", shard: "b.safetensors")
    ) {
      try open([("x", "a.safetensors"), ("y", "b.safetensors"), ("z", "b.safetensors")])
    }
    // It does not help that another shard has it.
    #expect(
      throws: SafetensorsError.missingTensor(file: index, tensor: "x", shard: "b.safetensors")
    ) {
      try open([("x", "b.safetensors"), ("z", "b.safetensors")])
    }
  }

  @Test("of a tensor in two shards the one counts that the index names")
  func copyElsewhere() throws {
    try shard("a.safetensors", [("x", 1), ("y", 2)])
    try shard("b.safetensors", [("x", 11), ("z", 3)])
    for (chosen, value) in [("a.safetensors", UInt8(1)), ("b.safetensors", 11)] {
      let collection = try open([("x", chosen), ("y", "a.safetensors"), ("z", "b.safetensors")])
      #expect(collection.tensors.count == 3)
      #expect(try values(collection) == ["x": value, "y": 2, "z": 3])
      #expect(collection.warnings.count == 1)
      #expect(collection.warnings.first?.contains("1 tensors are also in shards") ?? false)
    }
  }

  @Test("a tensor in two files without an index is refused")
  func inTwoFiles() throws {
    try shard("a.safetensors", [("x", 1)])
    try shard("b.safetensors", [("y", 2), ("x", 3)])
    let (a, b) = (folder("a.safetensors"), folder("b.safetensors"))
    #expect(throws: SafetensorsError.tensorInTwoShards(first: a, second: b, tensor: "x")) {
      try SafetensorsCollection(paths: [a, b], index: nil)
    }
  }

  @Test("a tensor that the index does not name is listed with a warning")
  func extra() throws {
    try shard("a.safetensors", [("x", 1), ("extra", 2)])
    let collection = try open([("x", "a.safetensors")])
    #expect(try values(collection) == ["x": 1, "extra": 2])
    #expect(collection.warnings.count == 1)
  }

  @Test("a tensor in two shards that the index does not name is refused")
  func extraTwice() throws {
    try shard("a.safetensors", [("x", 1), ("extra", 2)])
    try shard("b.safetensors", [("y", 1), ("extra", 3)])
    #expect(throws: SafetensorsError.self) {
      try open([("x", "a.safetensors"), ("y", "b.safetensors")])
    }
  }

  @Test("a shard that is a Git LFS pointer is called by its name")
  func pointer() throws {
    try folder.write("version https://git-lfs.github.com/spec/v1\n", to: "a.safetensors")
    #expect(throws: SafetensorsError.lfsPointer(file: folder("a.safetensors"))) {
      try open([("x", "a.safetensors")])
    }
  }

  @Test("a shard that is a folder is refused")
  func folderAsShard() throws {
    try folder.makeFolder("a.safetensors")
    #expect(throws: (any Error).self) { try open([("x", "a.safetensors")]) }
  }
}
