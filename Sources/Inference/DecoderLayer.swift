internal import CKernels
internal import Glibc
internal import Checkpoint
package import LinearAlgebra
internal import Parallelism

/// One decoder layer with its weights in memory, the routed experts excepted: those pass through
/// one by one.
package struct DecoderLayer: Sendable {
  /// Its index in the decoder.
  package let index: Int
  /// Original numbers of the experts behind the router's rows; empty for a dense layer.
  package let experts: [Int]
  /// How it turns router logits into experts and weights.
  package let rule: RoutingRule

  private let loader: WeightLoader
  private let attentionNorm: RMSNorm
  private let attention: CausalAttention
  private let mlpNorm: RMSNorm
  private let router: Matrix?
  private let shared: GatedMLP?
  private let sharedGate: [Float]?
  private let dense: GatedMLP?

  private var threads: Int { loader.threads }

  /// Loads layer `index`.
  ///
  /// - Parameters:
  ///   - loader: Brings its weights.
  ///   - index: Index of the decoder layer, from 0.
  ///   - length: Tokens per window.
  /// - Throws: `CheckpointError` if a tensor is missing or not finite, `StorageError` if it cannot
  ///   be read.
  package init(_ loader: WeightLoader, index: Int, length: Int) throws {
    let checkpoint = loader.checkpoint
    let c = try checkpoint.requireConfiguration()
    self.loader = loader
    self.index = index
    func place(_ role: TensorRole) -> TensorPlace { TensorPlace(role, layer: index) }
    func norm(_ role: TensorRole) throws -> RMSNorm {
      RMSNorm(weight: try loader.vector(place(role)), epsilon: c.normEpsilon)
    }
    func linear(_ role: TensorRole) throws -> LinearOperator {
      .dense(try loader.matrix(place(role)))
    }
    func bias(_ role: TensorRole) throws -> [Float]? {
      c.hasAttentionBias ? try loader.vector(place(role)) : nil
    }
    attentionNorm = try norm(.attentionNorm)
    mlpNorm = try norm(.mlpNorm)
    attention = CausalAttention(
      weights: CausalAttention.Weights(
        query: try linear(.attentionQuery),
        key: try linear(.attentionKey),
        value: try linear(.attentionValue),
        output: try linear(.attentionOutput),
        queryBias: try bias(.attentionQueryBias),
        keyBias: try bias(.attentionKeyBias),
        valueBias: try bias(.attentionValueBias)
      ),
      headCount: c.headCount,
      keyValueHeadCount: c.keyValueHeadCount,
      dimension: c.headDimension,
      slidingWindow: c.slidingWindow[index],
      rotary: RotaryEmbedding(c.rope, dimension: c.headDimension, length: length)
    )
    rule = RoutingRule(topK: c.topK, normalizesTopK: c.normalizesTopK)
    guard c.isMixture(index) else {
      experts = []
      router = nil
      shared = nil
      sharedGate = nil
      dense = GatedMLP(
        gate: try linear(.mlpGate),
        up: try linear(.mlpUp),
        down: try linear(.mlpDown)
      )
      return
    }
    dense = nil
    experts = checkpoint.keptExperts[index] ?? []
    router = try loader.matrix(place(.router))
    guard c.sharedExpertWidth != nil else {
      shared = nil
      sharedGate = nil
      return
    }
    shared = GatedMLP(
      gate: try linear(.sharedGate),
      up: try linear(.sharedUp),
      down: try linear(.sharedDown)
    )
    sharedGate = c.hasSharedExpertGate ? try loader.vector(place(.sharedExpertGate)) : nil
  }

  /// Whether it has routed experts.
  package var isMixture: Bool { router != nil }

  /// The pass over its experts.
  package var expertPass: ExpertPass { ExpertPass(loader, layer: index, experts: experts) }

  // MARK: - Forward, in pieces

  /// Adds attention in place: h += attention(norm(h)), for h [windows * length, H].
  package func attend(_ h: Matrix, length: Int, observer: (any LayerInputObserver)? = nil) throws {
    // Some windows at a time, so that q, k, v and scores stay small whatever the batch.
    let step = max(1, DecoderLayer.attentionTokens / length) * length
    for start in stride(from: 0, to: h.rows, by: step) {
      let rows = start..<min(start + step, h.rows)
      let x = attentionNorm(h, rows: rows, threads: threads)
      let y = try attention(x, length: length, threads: threads, observer: observer)
      parallelForEach(count: rows.count, threads: y.elements.count > 1 << 15 ? threads : 1) { row in
        add(y.row(row), times: 1, to: h.row(rows.lowerBound + row))
      }
    }
  }

  private static let attentionTokens = 2048

  /// The second norm of h [tokens, H]: what router, shared and routed experts see.
  package func mlpInput(_ h: Matrix) -> Matrix { mlpNorm(h, threads: threads) }

  /// Router logits of x [tokens, H]: [tokens, E].
  package func routerLogits(_ x: Matrix) throws -> Matrix {
    guard let router else { return Matrix(rows: x.rows, columns: 0) }
    return try multiply(x, transposed: router, threads: threads)
  }

  /// Adds the shared expert, or the whole feed-forward of a dense layer: h += f(x).
  ///
  /// A gated shared expert is scaled by sigmoid(x · g), g its gate (Qwen2-MoE).
  package func addUnrouted(
    _ x: Matrix,
    to h: Matrix,
    observer: (any LayerInputObserver)? = nil
  ) throws {
    try observer?.observe(.feedForward, x)
    guard let block = dense ?? shared else { return }
    let step = DecoderLayer.attentionTokens
    for start in stride(from: 0, to: x.rows, by: step) {
      let rows = start..<min(start + step, x.rows)
      let part = rows.count == x.rows ? x : x.copy(ofRows: rows)
      let y = try block(part, threads: threads) { try observer?.observe(.unroutedDown, $0) }
      parallelForEach(count: rows.count, threads: y.elements.count > 1 << 15 ? threads : 1) { row in
        let scale = sharedGate.map { sigmoid(part.row(row), $0) } ?? 1
        add(y.row(row), times: scale, to: h.row(rows.lowerBound + row))
      }
    }
  }

  /// Adds the routed experts in place, routing among `allowed` only.
  ///
  /// - Parameters:
  ///   - x: Inputs of the experts, [tokens, H].
  ///   - logits: Router logits, [tokens, E].
  ///   - allowed: Positions of the experts in use, ascending.
  ///   - h: The residual stream, [tokens, H], changed in place.
  /// - Throws: `CheckpointError` if an expert's weights are missing or not finite.
  package func addRouted(
    _ x: Matrix,
    logits: Matrix,
    allowed: [Int],
    to h: Matrix
  ) throws {
    let routing = Routing(logits, rule: rule, allowed: allowed, threads: threads)
    try expertPass.run(x, lists: routing.rowsByExpert(logits.columns)) { activation in
      activation.accumulate(into: h, routing, threads: threads)
    }
  }

  /// The whole layer: h becomes the residual stream that leaves it.
  ///
  /// - Parameters:
  ///   - h: The residual stream that enters, [windows * length, H], changed in place.
  ///   - length: Tokens per window.
  ///   - allowed: Positions of the experts in use; all by default.
  ///   - inspectRouter: Sees the router logits, [tokens, E].
  /// - Throws: `CheckpointError` if an expert's weights are missing or not finite,
  ///   `LinearAlgebraError` if a product's size exceeds 32 bits, and what `inspectRouter` throws.
  package func advance(
    _ h: Matrix,
    length: Int,
    allowed: [Int]? = nil,
    inspectRouter: ((Matrix) throws -> Void)? = nil
  ) throws {
    try attend(h, length: length)
    let x = mlpInput(h)
    try addUnrouted(x, to: h)
    guard isMixture else { return }
    let logits = try routerLogits(x)
    try inspectRouter?(logits)
    try addRouted(x, logits: logits, allowed: allowed ?? Array(experts.indices), to: h)
  }
}

/// sigmoid(x · g), g the shared expert's gate; the product summed in Double.
private func sigmoid(_ x: UnsafeMutableBufferPointer<Float>, _ gate: [Float]) -> Float {
  Float(1 / (1 + exp(-moepack_dot(x.baseAddress, gate, x.count))))
}
