internal import Inference
internal import LinearAlgebra
internal import Parallelism

/// The outputs of each token's likeliest experts, for a block of tokens: of k + 1 for every token,
/// of C, if that is more, for those that are sampled. One pass over the experts makes them all.
package struct TokenOutputs {
  /// The k + 1 likeliest experts of every token.
  let routing: Routing
  /// The likeliest experts of the sampled tokens, C or more, one row for each; nil if none is sampled.
  let candidates: Routing?
  /// The sampled tokens, ascending.
  let sampled: [Int]
  /// First row of each token in `outputs`, and the number of rows behind the last.
  private let starts: [Int]
  /// Outputs f(x), token by token, each by descending logit: [rows, H].
  private let outputs: Matrix

  /// Bytes of outputs held at once.
  package static let blockBytes = 160 << 20

  /// Runs the experts of `layer` over x.
  ///
  /// - Parameters:
  ///   - layer: The layer.
  ///   - x: Inputs of the experts, [tokens, H].
  ///   - logits: Router logits, [tokens, E].
  ///   - allowed: Positions of the experts in use, ascending.
  ///   - sampled: Tokens of which C experts are wanted, ascending.
  ///   - candidates: C.
  ///   - threads: Threads to use.
  ///   - observer: Sees what the experts' maps read.
  ///   - consume: Sees each expert's activation, whose rows name a token and a place in its list.
  /// - Throws: `CheckpointError` if an expert's weights are missing or not finite,
  ///   `LinearAlgebraError` if a product's size exceeds 32 bits.
  init(
    _ layer: DecoderLayer,
    _ x: Matrix,
    logits: Matrix,
    allowed: [Int],
    sampled: [Int],
    candidates: Int,
    threads: Int,
    observer: (any LayerInputObserver)? = nil,
    consume: (ExpertActivation, Routing) -> Void
  ) throws {
    func route(_ logits: Matrix, width: Int) -> Routing {
      Routing(logits, rule: layer.rule, allowed: allowed, width: width, threads: threads)
    }
    let routing = route(logits, width: layer.rule.topK + 1)
    let candidates =
      sampled.isEmpty
      ? nil : route(logits.copy(ofRows: sampled), width: max(candidates, routing.width))
    let (lists, starts) = TokenOutputs.lists(
      routing,
      candidates,
      sampled,
      experts: layer.experts.count
    )
    let outputs = Matrix(unfilledRows: starts[x.rows], columns: x.columns)
    try layer.expertPass.run(x, lists: lists, observer: observer) { activation in
      parallelForEach(
        count: activation.rows.count,
        threads: activation.outputs.elements.count > 1 << 16 ? threads : 1
      ) { place in
        let row = activation.rows[place]
        _ = outputs.row(starts[Int(row.token)] + Int(row.slot))
          .update(fromContentsOf: activation.outputs.row(place))
      }
      consume(activation, routing)
    }
    self.routing = routing
    self.candidates = candidates
    self.sampled = sampled
    self.starts = starts
    self.outputs = outputs
  }

  /// How many tokens from `first` on make a block, when `sampled` of all `tokens` are sampled.
  ///
  /// - Parameters:
  ///   - first: First token of the block.
  ///   - tokens: Number of tokens.
  ///   - sampled: The sampled ones, ascending.
  ///   - widths: Outputs of an ordinary and of a sampled token.
  ///   - hidden: Width of an output, H.
  /// - Returns: At least one token, at most as many as fit in ``blockBytes``.
  static func blockTokens(
    from first: Int,
    of tokens: Int,
    sampled: ArraySlice<Int>,
    widths: (ordinary: Int, sampled: Int),
    hidden: Int
  ) -> Int {
    let limit = blockBytes / max(1, hidden * 4)
    var (rows, count, rest) = (0, 0, sampled.drop { $0 < first })
    while first + count < tokens {
      let isSampled = rest.first == first + count
      rows += isSampled ? widths.sampled : widths.ordinary
      if rows > limit && count > 0 { break }
      if isSampled { rest.removeFirst() }
      count += 1
    }
    return count
  }

  /// Rows for each expert, and the first row of each token's outputs.
  private static func lists(
    _ routing: Routing,
    _ candidates: Routing?,
    _ sampled: [Int],
    experts: Int
  ) -> (lists: [[RoutedRow]], starts: [Int]) {
    var lists = [[RoutedRow]](repeating: [], count: experts)
    var starts = [0]
    var next = 0
    for token in 0..<routing.tokenCount {
      var (source, row) = (routing, token)
      if let candidates, next < sampled.count, sampled[next] == token {
        (source, row) = (candidates, next)
        next += 1
      }
      for slot in 0..<source.width {
        lists[Int(source.experts[row * source.width + slot])].append(
          RoutedRow(token: Int32(token), slot: Int32(slot))
        )
      }
      starts.append(starts[token] + source.width)
    }
    return (lists, starts)
  }

  /// The output of a token's expert number `slot`, [H].
  func output(token: Int, slot: Int) -> UnsafeMutableBufferPointer<Float> {
    outputs.row(starts[token] + slot)
  }
}
