internal import Checkpoint
internal import SystemPackage
internal import Tensors
package import TestSupport

/// A LoRA adapter beside a sound base.
package final class AdapterTarget: FuzzTarget {
  package static let name = "adapter"
  package let seeds: [[UInt8]]

  private let scratch: Scratch

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    try scratch.write(ModelSeeds.mixtral.bytes, to: "base.gguf")
    seeds = [ModelSeeds.adapter.bytes]
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    GGUFMutation.mutated(input, using: &random)
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    try scratch.write(input, to: "x.gguf")
    let base = scratch("base.gguf").string
    let opened = try opening("x.gguf") { try Checkpoint(base, adapter: scratch("x.gguf")) }
    guard let checkpoint = opened else { return false }
    guard let adapter = checkpoint.adapter else { throw BrokenProperty("the adapter is lost") }
    for index in adapter.values.source.tensors.indices {
      _ = try opening("x.gguf") { try adapter.values.requireFinite(tensor: index) }
    }
    for projection in Projection.allCases {
      guard let correction = adapter.correction(layer: 0, projection) else { continue }
      try require(
        correction.rank > 0 && correction.rank <= adapter.largestRank,
        "a correction of rank \(correction.rank)"
      )
    }
    return true
  }
}
