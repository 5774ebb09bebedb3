import SystemPackage
import TestSupport
import Testing

@testable import Safetensors

@Suite("Safetensors index")
struct IndexTests {
  private let folder: TemporaryDirectory
  private let path: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    path = folder("model.safetensors.index.json")
  }

  private func read(_ text: String) throws -> SafetensorsIndex {
    try SafetensorsIndex(reading: folder.write(text, to: "model.safetensors.index.json"))
  }

  private func expectMalformed(_ text: String) {
    let error = #expect(throws: SafetensorsError.self, "\(text)") { try read(text) }
    guard case .malformedIndex(path, _, _) = error else {
      Issue.record("another error for \(text): \(String(describing: error))")
      return
    }
  }

  @Test("shards are numbered by name, tensors keep the order of the map")
  func order() throws {
    let index = try read(
      #"{"weight_map":{"z":"b.safetensors","a":"a.safetensors","m":"b.safetensors"}}"#
    )
    #expect(index.shards == ["a.safetensors", "b.safetensors"])
    #expect(index.places.map(\.tensor) == ["z", "a", "m"])
    #expect(index.places.map(\.shard) == [1, 0, 1])
  }

  @Test(
    "total_size is informal: text, fractions, nonsense or nothing",
    arguments: ["1", "\"12\"", "1.5", "-1", "null", "[]", "1e99"]
  )
  func totalSize(value: String) throws {
    let index = try read(
      "{\"metadata\":{\"total_size\":\(value)},\"weight_map\":{\"a\":\"a.safetensors\"}}"
    )
    #expect(index.shards == ["a.safetensors"])
  }

  @Test(
    "an index that is not what it should be is refused",
    arguments: [
      "", "{}", "[]", "null", "{\"metadata\":{}}", "{\"weight_map\":[]}", "{\"weight_map\":null}",
      "{\"weight_map\":{\"a\":1}}", "{\"weight_map\":{\"a\":null}}", "{\"weight_map\":{}}x",
      "{\"weight_map\":{},\"weight_map\":{}}", "{\"weight_map\":{\"a\":[\"a.safetensors\"]}}",
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    ]
  )
  func malformed(text: String) {
    expectMalformed(text)
  }

  @Test(
    "a shard that is not a plain name beside the index is refused",
    arguments: [
      "../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", "./a.safetensors", "..",
      "a\\\\b.safetensors", "a\\u0000.safetensors", "a\\nb.safetensors", ".safetensors", "",
      "model.bin", "model.safetensors.bin", "safetensors", "../../../../etc/passwd",
      "a.SAFETENSORS",
      "a.safetensors/", "C:\\\\x.safetensors",
    ]
  )
  func unsafe(name: String) throws {
    let error = #expect(throws: SafetensorsError.self) {
      try read("{\"weight_map\":{\"w\":\"\(name)\"}}")
    }
    guard case .unsafeShardName(path, _) = error else {
      Issue.record("another error for \(name): \(String(describing: error))")
      return
    }
  }

  @Test("a tensor that is named twice is refused")
  func twice() {
    #expect(throws: SafetensorsError.duplicateName(file: path, name: "a")) {
      try read(#"{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}"#)
    }
  }

  @Test("shards whose names only look the same are two shards")
  func canonicalEquivalence() throws {
    let index = try read(
      "{\"weight_map\":{\"a\":\"caf\u{E9}.safetensors\",\"b\":\"cafe\u{301}.safetensors\"}}"
    )
    #expect(index.shards.count == 2)
    #expect(Set(index.places.map(\.shard)) == [0, 1])
  }
}
