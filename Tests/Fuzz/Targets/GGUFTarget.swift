internal import GGUF
internal import Storage
internal import SystemPackage
internal import Tensors
package import TestSupport

/// One GGUF file, on its own and as the first of two splits.
package final class GGUFTarget: FuzzTarget {
  package static let name = "gguf"
  package let seeds: [[UInt8]]

  private let scratch: Scratch

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    var blocks = RawGGUF()
    blocks.keys = [
      RawGGUF.pair("general.architecture", "test"),
      RawGGUF.array("tokenizer.ggml.tokens", of: 8, 2, RawGGUF.string("a") + RawGGUF.string("é")),
      RawGGUF.array("tokenizer.ggml.token_type", of: 5, 2, [1, 0, 0, 0, 3, 0, 0, 0]),
      RawGGUF.pair("tokenizer.ggml.add_bos_token", 7, [1]),
    ]
    blocks.tensors = [
      RawGGUF.tensor("q8", [32, 2], type: 8), RawGGUF.tensor("new", [5], type: 77, at: 96),
      RawGGUF.tensor("q4", [256], type: 12, at: 128), RawGGUF.tensor("none", [0, 4], at: 288),
      RawGGUF.tensor("scalar", [], at: 288),
    ]
    blocks.data = (0..<320).map { UInt8($0 & 0xFF) }
    seeds =
      [
        RawGGUF().bytes, RawGGUF.sound([("a", [5, 3]), ("b", [8]), ("c", [1, 2, 3, 4])]).bytes,
        blocks.bytes,
        RawGGUF.sound([("a", [8])], keys: RawGGUF.splitKeys(0, of: 2, tensors: 2)).bytes,
      ]
      + ["every-value", "every-type", "alignment-64"].compactMap {
        try? FileSystem.contents(of: FilePath("\(fixtures)/gguf/\($0).gguf"))
      }
    let second = RawGGUF.sound([("second", [8])], keys: RawGGUF.splitKeys(1, of: 2, tensors: 2))
    try scratch.write(second.bytes, to: "x-00002-of-00002.gguf")
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    GGUFMutation.mutated(input, using: &random)
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    try scratch.write(input, to: "x.gguf")
    try scratch.write(input, to: "x-00001-of-00002.gguf")
    let path = scratch("x-00002-of-00002.gguf")
    // A refusal may name either split.
    if let model = try opening("x-0000", { try GGUFCollection(path) }) {
      try require(model.files.count == 2, "one split was opened alone")
      try read(model)
    }
    guard let file = try opening("x.gguf", { try GGUFReader(scratch("x.gguf")) }) else {
      return false
    }
    try read(file)
    try must("verify") { try file.verify { _, _ in } }
    try rewrite(file)
    return true
  }

  /// Reads every tensor; only one of an unknown type may refuse.
  private func read(_ source: any TensorSource) throws {
    for (index, tensor) in source.tensors.enumerated() {
      do { _ = try source.bytes(ofTensor: index) } catch {
        try requireOwn(error, naming: ".gguf")
        try require(isUnknown(error), "'\(tensor.name)' cannot be read: \(error)")
      }
    }
  }

  private func isUnknown(_ error: any Error) -> Bool {
    if case .unknownElementType? = error as? GGUFError { true } else { false }
  }

  /// Writes the file anew; header and tensors must come back as they are.
  private func rewrite(_ file: GGUFReader) throws {
    let known = file.tensors.indices.filter { index in
      do { _ = try file.bytes(ofTensor: index) } catch { return false }
      return true
    }
    let layouts = known.map {
      let tensor = file.tensors[$0]
      return TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape)
    }
    let path = scratch("written.gguf")
    let layout = try must("planning") {
      try GGUFLayout(metadata: file.metadata, tensors: layouts, file: path)
    }
    try must("writing") {
      let writer = try GGUFWriter(replacing: path, metadata: file.metadata, tensors: layouts)
      for (place, index) in known.enumerated() {
        try file.bytes(ofTensor: index).withUnsafeBytes {
          try writer.write($0, tensor: place, at: 0)
        }
      }
      try writer.finish()
    }
    let again = try must("reading what was written") { try GGUFReader(path) }
    var metadata = file.metadata
    for key in ["split.no", "split.count", "split.tensors.count"] { metadata[key] = nil }
    try require(again.metadata == metadata, "other metadata came back")
    try require(again.header.warnings == [], "what was written is odd: \(again.header.warnings)")
    try require(again.tensors.count == known.count, "other tensors came back")
    for (place, index) in known.enumerated() {
      let (old, new) = (file.tensors[index], again.tensors[place])
      try require(
        new.name.utf8.elementsEqual(old.name.utf8) && new.type == old.type
          && new.shape == old.shape
          && (try again.bytes(ofTensor: place)) == (try file.bytes(ofTensor: index)),
        "'\(old.name)' came back changed"
      )
    }
    // A file that is as we write them has the header that we write.
    if file.header.version == 3, file.header.warnings.isEmpty, known.count == file.tensors.count,
      isInOrder(file)
    {
      let header = try must("the header") { try file.headerBytes() }
      try require(
        header.prefix(file.header.listEnd) == layout.header.prefix(file.header.listEnd),
        "another header was written"
      )
    }
  }

  /// Whether offsets are the running sum that a writer gives; empty tensors may stand anywhere.
  private func isInOrder(_ file: GGUFReader) -> Bool {
    zip(file.tensors, file.tensors.dropFirst()).allSatisfy {
      $0.fileRange.lowerBound <= $1.fileRange.lowerBound
    } && file.tensors.allSatisfy { $0.byteCount > 0 }
  }
}
