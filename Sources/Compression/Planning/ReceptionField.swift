internal import Calibration
package import Inference
internal import LinearAlgebra
internal import Parallelism

/// MoE-I²'s block-wise K^T reception field: which of each layer's K sets go together.
///
/// Blocks of T consecutive MoE layers. Within a block every combination of sets is replayed through
/// whole decoder layers (attention, residuals, norms, shared experts) behind what earlier blocks
/// chose, and judged by the residual stream at the block's end against the original model's. Layers
/// are visited once, all prefixes through each; the K sets of a prefix share its expert outputs.
package struct ReceptionField {
  /// A combination with its error.
  package struct Combination: Sendable, Equatable {
    /// Index of the set of each layer of the block.
    package var choice: [Int]
    /// ‖H − H0‖ / ‖H0‖ at the block's end.
    package var error: Double

    /// A combination.
    package init(choice: [Int], error: Double) {
      self.choice = choice
      self.error = error
    }
  }

  /// What came of one block.
  package struct Block: Sendable, Equatable {
    /// Its MoE layers.
    package var layers: [Int]
    /// The three best combinations.
    package var best: [Combination]
  }

  private let pass: ForwardPass
  private let candidates: [Int: [[Int]]]
  private let blockLength: Int
  private var threads: Int { pass.threads }

  /// Bytes of children's streams held at once.
  private static let childBytes = 512 << 20

  /// A field over the layers in `candidates`.
  ///
  /// - Parameters:
  ///   - candidates: Per MoE layer the sets to prune, in the order of their indices.
  ///   - blockLength: T.
  package init(_ pass: ForwardPass, candidates: [Int: [[Int]]], blockLength: Int) {
    self.pass = pass
    self.candidates = candidates
    self.blockLength = blockLength
  }

  /// Number of layers that `run` will visit.
  package var layerCount: Int { (candidates.keys.max() ?? -1) + 1 }

  /// Runs all blocks over the windows of `ids`.
  package func run(ids: [Int32], context: Int, progress: (Int) -> Void) throws -> [Block] {
    let layers = candidates.keys.sorted()
    var original = try pass.embed(ids, length: context, spoolFolder: nil)
    var pruned = try original.copy(windows: original.windowCount)
    var blocks: [Block] = []
    var next = 0
    for start in stride(from: 0, to: layers.count, by: blockLength) {
      let members = Array(layers[start..<min(start + blockLength, layers.count)])
      let last = members[members.count - 1]
      let block = try runBlock(
        next...last, members: members, original: &original, pruned: &pruned, context, progress)
      blocks.append(block)
      next = last + 1
    }
    return blocks
  }

  /// A prefix of choices with the stream it leads to.
  private struct Prefix {
    var choice: [Int]
    var stream: [Matrix]
  }

  private func runBlock(
    _ range: ClosedRange<Int>, members: [Int], original: inout HiddenStream,
    pruned: inout HiddenStream, _ context: Int, _ progress: (Int) -> Void
  ) throws -> Block {
    var prefixes = [Prefix(choice: [], stream: try pruned.groups.indices.map { try pruned.load($0) })]
    var combinations: [Combination] = []
    for index in range {
      let layer = try DecoderLayer(pass.loader, index: index, length: context)
      for number in original.groups.indices {
        let h = try original.load(number)
        try layer.advance(h, length: context)
        try original.store(h, number)
      }
      guard let sets = candidates[index] else {
        for prefix in prefixes {
          for h in prefix.stream { try layer.advance(h, length: context) }
        }
        progress(index)
        continue
      }
      let kept = sets.map { set in layer.experts.indices.filter { !set.contains(layer.experts[$0]) } }
      if index == range.upperBound {
        combinations = try judge(prefixes, layer, kept, original, context)
        let winner = combinations[0]
        guard let prefix = prefixes.first(where: { $0.choice == winner.choice.dropLast() }),
          let set = winner.choice.last
        else { preconditionFailure("the winner is one of the combinations") }
        // `judge` took the prefixes through all of the layer but its routed experts.
        for (number, h) in prefix.stream.enumerated() {
          let x = try inputs[number](prefix)
          try layer.addRouted(x.x, logits: x.logits, allowed: kept[set], to: h)
          try pruned.store(h, number)
        }
      } else {
        prefixes = try branch(prefixes, layer, kept, context)
      }
      progress(index)
    }
    return Block(layers: members, best: Array(combinations.prefix(3)))
  }
}
