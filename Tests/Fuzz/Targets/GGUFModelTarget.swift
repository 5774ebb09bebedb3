internal import Checkpoint
internal import Conversion
internal import GGUF
internal import Inference
internal import LinearAlgebra
internal import SystemPackage
internal import Tensors
package import TestSupport
internal import Tokenization

/// A GGUF file of a known family, opened as a model: keys, tokenizer, stacked and factored experts.
package final class GGUFModelTarget: FuzzTarget {
  package static let name = "gguf-model"
  package let seeds: [[UInt8]]

  private let scratch: Scratch

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    seeds = [
      ModelSeeds.mixtral, ModelSeeds.joined, ModelSeeds.qwen2MoE, ModelSeeds.factored,
    ].map(\.bytes)
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    GGUFMutation.mutated(input, using: &random)
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    try scratch.write(input, to: "x.gguf")
    let path = scratch("x.gguf").string
    guard let checkpoint = try opening("x.gguf", { try Checkpoint(path) }) else { return false }
    let model = WholeModel(checkpoint: checkpoint, scratch: scratch)
    try model.inspect()
    if let problem = checkpoint.problem { try requireOwn(problem, naming: "x.gguf") }
    for problem in model.problems() {
      try require(!problem.message.isEmpty, "a problem without words in \(problem.place)")
    }
    try tokenize(checkpoint)
    try read(checkpoint)
    if checkpoint.configuration != nil,
      try opening("x.gguf", { try checkpoint.requireComplete() }) != nil
    {
      try readExperts(checkpoint)
      try evaluate(checkpoint)
      try model.export(as: .f32)
    }
    return true
  }

  /// The tokenizer, and the files that are made of the keys.
  private func tokenize(_ checkpoint: Checkpoint) throws {
    _ = try opening("x.gguf") { try checkpoint.ggmlVocabulary() }
    guard let names = try opening("x.gguf", { try ModelFiles(checkpoint).names }) else { return }
    for name in names { _ = try opening("x.gguf") { try checkpoint.auxiliaryFile(name) } }
  }

  /// Bytes of some tensors, which only an unknown type may refuse, and their values.
  private func read(_ checkpoint: Checkpoint) throws {
    for (index, tensor) in checkpoint.tensors.enumerated().prefix(64)
    where tensor.byteCount <= 1 << 16 {
      do { _ = try checkpoint.source.bytes(ofTensor: index) } catch {
        try requireOwn(error, naming: "x.gguf")
        guard case .unknownElementType? = error as? GGUFError else {
          throw BrokenProperty("'\(tensor.name)' cannot be read: \(error)")
        }
        continue
      }
      _ = try opening("x.gguf") { try checkpoint.values.requireFinite(tensor: index) }
    }
  }

  /// Values of some experts of a complete model, factors included.
  private func readExperts(_ checkpoint: Checkpoint) throws {
    for (layer, experts) in checkpoint.keptExperts.prefix(4) {
      for expert in experts.prefix(4) {
        for projection in Projection.allCases {
          let matrix = checkpoint.expertMatrix(
            layer: layer,
            expert: expert,
            projection: projection
          )
          guard let matrix else {
            throw BrokenProperty(
              "expert \(expert) of layer \(layer) of a complete model is missing"
            )
          }
          try read(matrix, of: checkpoint)
        }
      }
    }
  }

  private func read(_ matrix: ExpertMatrix, of checkpoint: Checkpoint) throws {
    func read(_ tensor: Int, _ byteOffset: Int, _ count: Int) throws {
      guard count <= 1 << 14 else { return }
      var values = [Float](repeating: 0, count: count)
      _ = try opening("x.gguf") {
        try values.withUnsafeMutableBufferPointer {
          try checkpoint.widen(tensor: tensor, fromByte: byteOffset, into: $0)
        }
      }
    }
    switch matrix.form {
    case .dense(let tensor, let byteOffset):
      try read(tensor, byteOffset, matrix.rows * matrix.columns)
    case .factors(let left, let right, let rank):
      try read(left, 0, rank * matrix.rows)
      try read(right, 0, rank * matrix.columns)
    }
  }

  /// A complete model runs, unless a value is infinite or its type has none.
  private func evaluate(_ checkpoint: Checkpoint) throws {
    guard let configuration = checkpoint.configuration, configuration.vocabularySize > 0 else {
      return
    }
    _ = try opening("x.gguf") {
      let pass = try ForwardPass(checkpoint, threads: 1)
      let stream = try pass.embed([0, 0, 0], length: 3, spoolFolder: nil)
      try pass.run(stream)
      _ = try pass.outputHead().normalized(try stream.load(0))
    }
  }
}
