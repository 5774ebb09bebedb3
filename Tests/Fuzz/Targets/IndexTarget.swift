internal import Checkpoint
internal import Conversion
internal import JSON
internal import Safetensors
internal import SystemPackage
package import TestSupport

/// `model.safetensors.index.json` beside two sound shards.
package final class IndexTarget: FuzzTarget {
  package static let name = "index"
  package let seeds: [[UInt8]]

  private let scratch: Scratch
  private let json: JSONMutation
  private static let file = "model.safetensors.index.json"
  private static let shards = [
    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
  ]

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    scratch.makeFolder("model")
    let tensors = Array(TinyModel.mixtral().tensors.prefix(8))
    var map = JSONObject()
    for (number, shard) in IndexTarget.shards.enumerated() {
      let own = Array(tensors[(4 * number)..<(4 * number + 4)])
      for tensor in own { map[tensor.name] = .string(shard) }
      try scratch.write(RawSafetensors.file(own), to: "model/\(shard)")
    }
    let index: JSONValue = ["metadata": ["total_size": 1234], "weight_map": .object(map)]
    var one = JSONObject()
    one[tensors[0].name] = .string(IndexTarget.shards[0])
    seeds = [
      Array(index.text(pretty: true).utf8),
      Array(JSONValue.object(["weight_map": .object(one)]).text(pretty: false).utf8),
    ]
    json = JSONMutation(
      words: IndexTarget.shards + tensors.map(\.name) + [
        "weight_map", "metadata", "../model/\(IndexTarget.shards[0])", "/etc/passwd", "..", ".",
        ".safetensors", "a.safetensors", "\(IndexTarget.shards[0])\\u0000", "a\\\\b.safetensors",
        IndexTarget.file, "\\u001b[2J.safetensors",
      ]
    )
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    var text = input
    json.apply(to: &text, using: &random)
    return text
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    try scratch.write(input, to: "model/\(IndexTarget.file)")
    let folder = scratch("model")
    let checkpoint = try opening(folder.string) { try Checkpoint(folder.string) }
    guard let checkpoint else { return false }
    guard case .safetensors(let collection) = checkpoint.format else {
      throw BrokenProperty("opened as something else")
    }
    for file in collection.files {
      try require(file.path.removingLastComponent() == folder, "\(file.path) lies elsewhere")
    }
    let model = WholeModel(checkpoint: checkpoint, scratch: scratch)
    try model.inspect()
    for problem in model.problems() {
      try require(problem.place == "index", "verify: \(problem.message)")
    }
    try model.packAndUnpack()
    return true
  }
}

extension JSONValue {
  /// An object of a few members.
  fileprivate static func object(_ members: [String: JSONValue]) -> JSONValue {
    var object = JSONObject()
    for (key, value) in members { object[key] = value }
    return .object(object)
  }
}
