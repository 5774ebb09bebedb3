import SystemPackage
import TestSupport
import Testing

/// Something that a rule forbids, how it is made, and how it must be refused.
struct BadInput: Sendable, CustomTestStringConvertible {
  /// What is wrong with it.
  let name: String
  /// What the refusal must say: the file, the place, the remedy.
  let words: [String]
  /// Makes it, and returns the command lines that must refuse it.
  let build: @Sendable (Workplace) throws -> [[String]]

  var testDescription: String { name }

  init(
    _ name: String,
    saying words: String...,
    build: @escaping @Sendable (Workplace) throws -> [[String]]
  ) {
    self.init(name, words, build: build)
  }

  init(
    _ name: String,
    _ words: [String],
    build: @escaping @Sendable (Workplace) throws -> [[String]]
  ) {
    self.name = name
    self.words = words
    self.build = build
  }
}

/// A folder with inputs of one kind, all sound but one.
struct Workplace {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// The path of `relative`.
  func callAsFunction(_ relative: String) -> String { folder(relative).string }

  /// Writes a model into `model`, with token ids for it beside it.
  func write(_ model: TinyModel = .mixtral(), shards: Int = 1) throws {
    try model.write(to: folder, at: "model", shards: shards)
    try writeIDs((0..<128).map { $0 * 5 % 16 })
  }

  /// Writes a model with this file in its folder, in place of the sound one if there is one.
  func write(_ bytes: [UInt8], to name: String, of model: TinyModel = .mixtral(), shards: Int = 1)
    throws
  {
    try write(model, shards: shards)
    try folder.write(bytes, to: "model/\(name)")
  }

  func writeIDs(_ ids: [Int]) throws { try folder.write("\(ids)", to: "ids.json") }

  /// What reads ids in windows of eight.
  var ids: [String] { ["--ids", self("ids.json"), "--context", "8"] }

  // MARK: - Commands

  /// Every command that opens the model.
  func everything(on model: String = "model") -> [[String]] {
    [
      ["inspect", self(model)], ["inspect", self(model), "--json"],
      ["convert", self(model), "-o", self("out.moepack")],
    ] + using(model)
  }

  /// Commands that work with the values of the model.
  func using(_ model: String = "model") -> [[String]] {
    [
      ["evaluate", self(model)] + ids,
      ["calibrate", self(model), "-o", self("out.safetensors")] + ids,
      ["plan", self(model), "-o", self("out.json")] + ids, compress(model),
    ]
  }

  func compress(_ model: String = "model") -> [String] {
    ["compress", self(model), "-o", self("out.moepack")] + ids
  }
}
