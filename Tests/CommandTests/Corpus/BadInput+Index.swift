import SystemPackage
import TestSupport

extension BadInput {
  private static let file = "model.safetensors.index.json"

  /// Two sound shards whose index is `text`.
  private static func index(_ name: String, saying words: String..., text: String) -> BadInput {
    BadInput(name, words + [file]) { place in
      try place.write(Array(text.utf8), to: file, shards: 2)
      return place.everything()
    }
  }

  /// Two shards of which something is changed.
  private static func shards(
    _ name: String,
    saying words: String...,
    change: @escaping @Sendable (Workplace) throws -> Void
  ) -> BadInput {
    BadInput(name, words) { place in
      try place.write(shards: 2)
      try change(place)
      return place.everything()
    }
  }

  /// Indices and shards that do not go together.
  static let indices: [BadInput] = [
    index("an empty index", text: ""),
    index("an index that is no JSON", saying: "byte 0", text: "weights"),
    index("an index without a map", saying: "weight_map", text: "{}"),
    index(
      "an index with two maps",
      saying: "weight_map",
      text: #"{"weight_map":{},"weight_map":{}}"#
    ),
    index("a map that is a list", saying: "byte", text: #"{"weight_map":[]}"#),
    index("a shard that is a number", saying: "byte", text: #"{"weight_map":{"a":1}}"#),
    index(
      "a tensor named twice",
      saying: "'a'",
      text: #"{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}"#
    ),
    index(
      "deep nesting in the index",
      saying: "64 levels",
      text: "{\"metadata\":" + String(repeating: "[", count: 100_000)
    ),
    index("a shard outside", saying: "../x", text: #"{"weight_map":{"a":"../x.safetensors"}}"#),
    index(
      "a shard by absolute path",
      saying: "/etc",
      text: #"{"weight_map":{"a":"/etc/x.safetensors"}}"#
    ),
    index("a shard in a folder", saying: "b/x", text: #"{"weight_map":{"a":"b/x.safetensors"}}"#),
    index("a shard with a NUL", text: #"{"weight_map":{"a":"x\u0000.safetensors"}}"#),
    index("a shard of pickles", saying: "x.bin", text: #"{"weight_map":{"a":"x.bin"}}"#),
    index(
      "a shard that is not there",
      saying: "x.safetensors",
      text: #"{"weight_map":{"a":"x.safetensors"}}"#
    ),
    index(
      "a tensor that its shard lacks",
      saying: "'a'",
      "model-00001-of-00002.safetensors",
      text: #"{"weight_map":{"a":"model-00001-of-00002.safetensors"}}"#
    ),
    shards("a shard missing", saying: "model-00002-of-00002.safetensors") { place in
      place.folder.remove("model/model-00002-of-00002.safetensors")
    },
    shards("shards swapped", saying: "model-0000") { place in
      let first = try place.folder.bytes(of: "model/model-00001-of-00002.safetensors")
      let second = try place.folder.bytes(of: "model/model-00002-of-00002.safetensors")
      try place.folder.write(second, to: "model/model-00001-of-00002.safetensors")
      try place.folder.write(first, to: "model/model-00002-of-00002.safetensors")
    },
    shards("a shard cut short", saying: "model-00002-of-00002.safetensors") { place in
      let bytes = try place.folder.bytes(of: "model/model-00002-of-00002.safetensors")
      try place.folder.write(bytes.dropLast(), to: "model/model-00002-of-00002.safetensors")
    },
    shards("a shard that is a Git LFS pointer", saying: "model-00001", "git lfs pull") { place in
      try place.folder.write(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
        to: "model/model-00001-of-00002.safetensors"
      )
    },
    shards("a shard that is a folder", saying: "model-00001", "regular file") { place in
      place.folder.remove("model/model-00001-of-00002.safetensors")
      try place.folder.makeFolder("model/model-00001-of-00002.safetensors")
    },
    shards("two shards with the same tensor and no index", saying: "model-00001", "model-00002") {
      place in
      place.folder.remove("model/\(file)")
      let bytes = try place.folder.bytes(of: "model/model-00001-of-00002.safetensors")
      try place.folder.write(bytes, to: "model/model-00002-of-00002.safetensors")
    },
    shards("pickles only", saying: "pytorch_model.bin", "safetensors") { place in
      place.folder.remove("model")
      try place.folder.write([0x80, 2], to: "model/pytorch_model.bin")
    },
  ]
}

extension TemporaryDirectory {
  /// Writes part of a file's bytes.
  @discardableResult
  fileprivate func write(_ bytes: ArraySlice<UInt8>, to relative: String) throws -> String {
    try write(Array(bytes), to: relative).string
  }
}
