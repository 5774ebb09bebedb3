internal import Checkpoint
package import Inference
internal import LinearAlgebra
internal import Parallelism

/// MoE-I²'s block-wise K^T reception field (arXiv 2411.01016, Block-wise KT-Reception Field): which
/// of each layer's K sets go together.
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
    /// Error of the residual stream at the block's end: ‖H − H0‖ / ‖H0‖, H0 the original model's.
    package var error: Double

    /// A combination.
    package init(choice: [Int], error: Double) {
      self.choice = choice
      self.error = error
    }
  }

  /// What came of one block.
  package struct Block: Sendable, Equatable {
    /// Its MoE layers, ascending.
    package var layers: [Int]
    /// The three best combinations, best first.
    package var best: [Combination]
  }

  private let pass: ForwardPass
  private let candidates: [Int: [[Int]]]
  private let blockLength: Int
  private var threads: Int { pass.threads }

  /// Bytes of children's streams held at once.
  static let childBytes = 160 << 20

  /// A field over the layers in `candidates`.
  ///
  /// - Parameters:
  ///   - pass: A pass through the original model.
  ///   - candidates: Per MoE layer the sets to prune (original numbers), best first.
  ///   - blockLength: MoE layers in a block, T.
  package init(_ pass: ForwardPass, candidates: [Int: [[Int]]], blockLength: Int) {
    self.pass = pass
    self.candidates = candidates
    self.blockLength = blockLength
  }

  /// Number of layers that `run` visits.
  package var layerCount: Int { (candidates.keys.max() ?? -1) + 1 }

  /// Runs all blocks over windows of tokens.
  ///
  /// - Parameters:
  ///   - ids: Token ids, whole windows of `context`.
  ///   - context: Tokens per window.
  ///   - record: How far an earlier run was, if there may be one.
  ///   - progress: Called with the index of each layer that is done.
  /// - Returns: What came of each block.
  /// - Throws: `CheckpointError` if weights are missing or not finite, `StorageError` if a file
  ///   cannot be read or written.
  package func run(
    ids: [Int32],
    context: Int,
    record: PassRecord? = nil,
    progress: (Int) -> Void
  ) throws -> [Block] {
    let layers = candidates.keys.sorted()
    let done = record?.nextStep ?? 0
    var blocks = (record?.notes ?? []).compactMap(Block.init(json:))
    var next = (blocks.last?.layers.last ?? -1) + 1
    for index in 0..<next { progress(index) }
    // The streams of a pass that is done may have been written over by the next pass.
    guard done * blockLength < layers.count else { return blocks }
    let original = try pass.embed(ids, length: context, spoolFolder: nil)
    let pruned = try original.copy(windows: original.windowCount)
    if done > 0 { try record?.restore([original, pruned]) }
    for start in stride(from: done * blockLength, to: layers.count, by: blockLength) {
      let members = Array(layers[start..<min(start + blockLength, layers.count)])
      let last = members[members.count - 1]
      let block = try runBlock(
        next...last,
        members: members,
        original: original,
        pruned: pruned,
        context,
        progress
      )
      try record?.finish(start / blockLength, [original, pruned], note: block.json)
      blocks.append(block)
      next = last + 1
    }
    return blocks
  }

  /// A prefix of choices with the stream it leads to, one matrix per group of windows.
  private struct Prefix {
    var choice: [Int]
    var stream: [Matrix]
  }

  /// What the experts of a layer see: rows of all prefixes under one another.
  private struct ExpertInputs {
    var x: Matrix
    var logits: Matrix
  }

  private func runBlock(
    _ range: ClosedRange<Int>,
    members: [Int],
    original: HiddenStream,
    pruned: HiddenStream,
    _ context: Int,
    _ progress: (Int) -> Void
  ) throws -> Block {
    var prefixes = [
      Prefix(choice: [], stream: try pruned.groups.indices.map { try pruned.load($0) })
    ]
    var combinations: [Combination] = []
    for index in range {
      let layer = try DecoderLayer(pass.loader, index: index, length: context)
      for number in original.groups.indices {
        let h = try original.load(number)
        try layer.advance(h, length: context)
        try original.store(h, number)
      }
      let kept = candidates[index].map { sets in
        sets.map { set in layer.experts.indices.filter { !set.contains(layer.experts[$0]) } }
      }
      guard let kept else {
        for prefix in prefixes {
          for h in prefix.stream { try layer.advance(h, length: context) }
        }
        progress(index)
        continue
      }
      let inputs = try pruned.groups.indices.map {
        try prepare(prefixes, layer, group: $0, context)
      }
      if index == range.upperBound {
        combinations = try judge(prefixes, inputs, layer, kept, original)
        try advance(pruned, to: combinations[0], prefixes, inputs, layer, kept)
      } else {
        prefixes = try branch(prefixes, inputs, layer, kept)
      }
      progress(index)
    }
    return Block(layers: members, best: Array(combinations.prefix(3)))
  }

  /// Takes every prefix through attention, norm and shared expert; its stream is changed in place.
  private func prepare(_ prefixes: [Prefix], _ layer: DecoderLayer, group: Int, _ context: Int)
    throws
    -> ExpertInputs
  {
    let rows = prefixes[0].stream[group].rows
    let x = Matrix(unfilledRows: rows * prefixes.count, columns: prefixes[0].stream[group].columns)
    for (number, prefix) in prefixes.enumerated() {
      let h = prefix.stream[group]
      try layer.attend(h, length: context)
      let input = layer.mlpInput(h)
      try layer.addUnrouted(input, to: h)
      (x.pointer + number * rows * x.columns).update(
        from: input.pointer,
        count: input.elements.count
      )
    }
    return ExpertInputs(x: x, logits: try layer.routerLogits(x))
  }

  /// The streams behind every set of every prefix, children[prefix][set], for some rows of a group.
  private func children(
    _ prefixes: [Prefix],
    _ inputs: ExpertInputs,
    group: Int,
    rows: Range<Int>,
    _ layer: DecoderLayer,
    _ kept: [[Int]]
  ) throws -> [[Matrix]] {
    let all = prefixes[0].stream[group].rows
    let wanted = prefixes.indices.flatMap { prefix in rows.map { prefix * all + $0 } }
    let x = rows.count == all ? inputs.x : inputs.x.copy(ofRows: wanted)
    let logits = rows.count == all ? inputs.logits : inputs.logits.copy(ofRows: wanted)
    let routings = kept.map {
      Routing(logits, rule: layer.rule, allowed: $0, threads: threads)
    }
    let children = prefixes.map { prefix in
      kept.map { _ in prefix.stream[group].copy(ofRows: rows) }
    }
    let lists = ReceptionField.union(routings, experts: layer.experts.count)
    try layer.expertPass.run(x, lists: lists) { activation in
      let block = 64
      let position = Int32(activation.position)
      parallelForEach(count: (activation.rows.count + block - 1) / block, threads: threads) {
        number in
        for place in number * block..<min((number + 1) * block, activation.rows.count) {
          let token = Int(activation.rows[place].token)
          let output = activation.outputs.row(place)
          for (set, routing) in routings.enumerated() {
            let slots = token * routing.width..<(token + 1) * routing.width
            guard let slot = slots.first(where: { routing.experts[$0] == position }) else {
              continue
            }
            add(
              output,
              times: Float(routing.weights[slot]),
              to: children[token / rows.count][set].row(token % rows.count)
            )
          }
        }
      }
    }
    return children
  }

  /// The rows that at least one routing sends to each expert.
  private static func union(_ routings: [Routing], experts: Int) -> [[RoutedRow]] {
    var lists = [[RoutedRow]](repeating: [], count: experts)
    for token in 0..<(routings.first?.tokenCount ?? 0) {
      for routing in routings {
        for slot in 0..<routing.width {
          let expert = Int(routing.experts[token * routing.width + slot])
          if lists[expert].last?.token != Int32(token) {
            lists[expert].append(RoutedRow(token: Int32(token), slot: 0))
          }
        }
      }
    }
    return lists
  }

  /// The prefixes one layer further.
  private func branch(
    _ prefixes: [Prefix],
    _ inputs: [ExpertInputs],
    _ layer: DecoderLayer,
    _ kept: [[Int]]
  ) throws -> [Prefix] {
    var next = prefixes.flatMap { prefix in
      kept.indices.map { Prefix(choice: prefix.choice + [$0], stream: []) }
    }
    for group in inputs.indices {
      let rows = 0..<prefixes[0].stream[group].rows
      let children = try children(prefixes, inputs[group], group: group, rows: rows, layer, kept)
      for (number, stream) in children.joined().enumerated() { next[number].stream.append(stream) }
    }
    return next
  }

  /// All combinations of the block, best first.
  private func judge(
    _ prefixes: [Prefix],
    _ inputs: [ExpertInputs],
    _ layer: DecoderLayer,
    _ kept: [[Int]],
    _ original: HiddenStream
  ) throws -> [Combination] {
    var squares = [Double](repeating: 0, count: prefixes.count * kept.count)
    var norm = 0.0
    // Some rows at a time: the children of the last layer exist only to be measured.
    let most = ReceptionField.childBytes / (squares.count * pass.configuration.hiddenSize * 4)
    let step = most < 64 ? max(1, most) : most / 64 * 64
    for group in inputs.indices {
      let reference = try original.load(group)
      for start in stride(from: 0, to: reference.rows, by: step) {
        let rows = start..<min(start + step, reference.rows)
        let flat = Array(
          try children(prefixes, inputs[group], group: group, rows: rows, layer, kept).joined()
        )
        let sums = parallelMap(count: flat.count, threads: threads) { number in
          squaredDistance(flat[number], reference, fromRow: start)
        }
        for (number, sum) in sums.enumerated() { squares[number] += sum }
        norm += reference.copy(ofRows: rows).squaredNorm
      }
    }
    let choices = prefixes.flatMap { prefix in kept.indices.map { prefix.choice + [$0] } }
    return zip(choices, squares).map { choice, square in
      Combination(choice: choice, error: norm > 0 ? (square / norm).squareRoot() : 0)
    }.sorted { a, b in
      a.error != b.error ? a.error < b.error : a.choice.lexicographicallyPrecedes(b.choice)
    }
  }

  /// Takes the pruned stream to where the winner leads.
  private func advance(
    _ pruned: HiddenStream,
    to winner: Combination,
    _ prefixes: [Prefix],
    _ inputs: [ExpertInputs],
    _ layer: DecoderLayer,
    _ kept: [[Int]]
  ) throws {
    guard let set = winner.choice.last,
      let number = prefixes.firstIndex(where: { $0.choice == Array(winner.choice.dropLast()) })
    else { preconditionFailure("the winner is one of the combinations") }
    for group in inputs.indices {
      let h = prefixes[number].stream[group]
      let rows = number * h.rows..<(number + 1) * h.rows
      try layer.addRouted(
        inputs[group].x.copy(ofRows: rows),
        logits: inputs[group].logits.copy(ofRows: rows),
        allowed: kept[set],
        to: h
      )
      try pruned.store(h, group)
    }
  }
}
