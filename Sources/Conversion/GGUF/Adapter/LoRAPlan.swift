internal import Checkpoint
internal import GGUF
internal import Tensors

/// The tensors of an adapter: for each stack of routed experts in the base one A [E, r, n] and one B
/// [E, m, r], whose products stand for W_source - W_base.
///
/// Attention, router, shared experts and embedding stay as the base has them. Both factors are padded
/// with zeros to a multiple of 32, a block of Q8_0, where the matrices have as many dimensions. All
/// ranks being equal, alpha is that rank and llama.cpp's scale alpha / r is 1; were they not, alpha
/// would be 0, which means the same.
struct LoRAPlan {
  /// A stack of matrices of the base.
  struct Stack {
    /// The layer.
    var layer: Int
    /// One projection, or gate and up, whose rows follow each other.
    var projections: [Projection]
    /// Rows and columns of an expert's matrix, m and n.
    var rows: Int
    var columns: Int
    /// Singular values that are kept.
    var rank: Int
    /// A [E, r, n] and B [E, m, r] of the output, with r the padded rank.
    var a: TensorLayout
    var b: TensorLayout

    /// r.
    var paddedRank: Int { a.shape[1] }
  }

  let stacks: [Stack]
  /// Original numbers of the source's experts by layer, in the order of the base's.
  let experts: [Int: [Int]]

  /// Layouts of all tensors, each stack's A before its B.
  var layouts: [TensorLayout] { stacks.flatMap { [$0.a, $0.b] } }

  /// `adapter.lora.alpha`.
  var alpha: Float {
    let ranks = Set(stacks.map(\.paddedRank))
    return ranks.count == 1 ? ranks.first.map(Float.init) ?? 0 : 0
  }

  /// Plans an adapter.
  ///
  /// - Parameters:
  ///   - source: The exact model, complete.
  ///   - plan: Experts of the source that the base kept; nil for those the source has.
  ///   - options: Base, rank and type.
  /// - Throws: `CheckpointError` if source or base is incomplete,
  ///   ``ConversionError/unsupported(reason:)`` if they do not belong together.
  init(_ source: Checkpoint, plan: [Int: [Int]]?, _ options: LoRAOptions) throws {
    let base = options.base
    guard base.factored == nil else {
      throw ConversionError.unsupported(
        reason: "\(base.location.path): its experts are factors, which llama.cpp does not know as a"
          + " base; convert it to an ordinary .gguf first"
      )
    }
    try source.requireComplete()
    try base.requireComplete()
    try LoRAPlan.requireSameModel(source, base)
    let c = try base.requireConfiguration()
    experts = try ExpertSelection(source, plan: plan, runtime: "a GGUF base").kept
    for layer in c.moeLayers {
      let (has, wants) = (experts[layer]?.count ?? 0, base.keptExperts[layer]?.count ?? 0)
      guard has == wants else {
        throw ConversionError.unsupported(
          reason:
            "\(base.location.path): layer \(layer) has \(wants) experts, \(source.location.path)"
            + " has \(has); make the base from the same model, or say with --plan which experts it"
            + " kept"
        )
      }
    }
    var stacks: [Stack] = []
    for (tensor, place) in zip(base.fileTensors, base.filePlaces) where place.role.isExpert {
      guard let layer = place.layer else { continue }
      let projections: [Projection] =
        place.role == .expertGateUp
        ? [.gate, .up] : Projection.allCases.filter { $0.role == place.role }
      stacks.append(
        try LoRAPlan.stack(tensor, layer: layer, projections, options)
      )
    }
    self.stacks = stacks
  }

  private static func stack(
    _ tensor: TensorDescriptor,
    layer: Int,
    _ projections: [Projection],
    _ options: LoRAOptions
  ) throws -> Stack {
    let (count, rows, columns) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    let limit = min(rows, columns)
    let rank = min(options.rank, limit)
    let padded = min((rank + 31) / 32 * 32, limit)
    func layout(_ suffix: String, _ shape: [Int]) -> TensorLayout {
      TensorLayout(
        name: tensor.name + suffix,
        // Rows that blocks do not fill.
        type: GGUFTypeChoice.fallback(options.type, columns: shape[2]),
        shape: shape
      )
    }
    return Stack(
      layer: layer,
      projections: projections,
      rows: rows,
      columns: columns,
      rank: rank,
      a: layout(".lora_a", [count, padded, columns]),
      b: layout(".lora_b", [count, rows, padded])
    )
  }

  /// Refuses two models of which one cannot have been made of the other.
  private static func requireSameModel(_ source: Checkpoint, _ base: Checkpoint) throws {
    let (a, b) = (try source.requireConfiguration(), try base.requireConfiguration())
    func refuse(_ what: String, _ has: String, _ wants: String) -> ConversionError {
      .unsupported(
        reason: "\(base.location.path): its \(what) is \(wants), that of \(source.location.path) is"
          + " \(has); the base must be made from the same model"
      )
    }
    guard a.modelType == b.modelType else { throw refuse("family", a.modelType, b.modelType) }
    for (what, has, wants) in [
      ("number of layers", a.layerCount, b.layerCount), ("width", a.hiddenSize, b.hiddenSize),
      ("width of the experts", a.expertWidth, b.expertWidth),
    ] where has != wants {
      throw refuse(what, "\(has)", "\(wants)")
    }
    guard a.moeLayers == b.moeLayers else {
      throw refuse("list of layers with experts", "another", "\(b.moeLayers)")
    }
  }
}
