/// What a tensor does in the model.
public enum TensorRole: String, Sendable, Hashable, CaseIterable {
  case embedding, output
  case finalNorm, attentionNorm, mlpNorm
  case attentionQuery, attentionKey, attentionValue, attentionOutput
  case attentionQueryBias, attentionKeyBias, attentionValueBias, attentionOutputBias
  case router, routerBias
  case expertGate, expertUp, expertDown
  /// Gate and up of all experts in one tensor [E, 2I, H], gate rows first.
  case expertGateUp
  case sharedGate, sharedUp, sharedDown
  /// The vector whose sigmoid scales the shared expert, [1, H].
  case sharedExpertGate
  case mlpGate, mlpUp, mlpDown
  /// Anything else.
  case other

  /// The word that `inspect` and `--role` use; several roles may share one.
  public var label: String {
    switch self {
    case .finalNorm, .attentionNorm, .mlpNorm: "norm"
    case .attentionQuery: "attention.query"
    case .attentionKey: "attention.key"
    case .attentionValue: "attention.value"
    case .attentionOutput: "attention.output"
    case .attentionQueryBias: "attention.query.bias"
    case .attentionKeyBias: "attention.key.bias"
    case .attentionValueBias: "attention.value.bias"
    case .attentionOutputBias: "attention.output.bias"
    case .routerBias: "router.bias"
    case .expertGate: "expert.gate"
    case .expertUp: "expert.up"
    case .expertDown: "expert.down"
    case .expertGateUp: "expert.gateUp"
    case .sharedGate: "shared.gate"
    case .sharedUp: "shared.up"
    case .sharedDown: "shared.down"
    case .sharedExpertGate: "sharedGate"
    case .mlpGate: "mlp.gate"
    case .mlpUp: "mlp.up"
    case .mlpDown: "mlp.down"
    case .embedding, .output, .router, .other: rawValue
    }
  }

  /// Whether the tensor belongs to routed experts.
  public var isExpert: Bool {
    switch self {
    case .expertGate, .expertUp, .expertDown, .expertGateUp: true
    default: false
    }
  }
}

/// A tensor's role with the layer and expert it serves.
public struct TensorPlace: Sendable, Hashable {
  /// What it does.
  public var role: TensorRole
  /// Its decoder layer, if it has one.
  public var layer: Int?
  /// Its expert, if it is one expert's own.
  public var expert: Int?

  /// A place.
  public init(_ role: TensorRole, layer: Int? = nil, expert: Int? = nil) {
    self.role = role
    self.layer = layer
    self.expert = expert
  }
}

/// The three matrices of a gated expert: f(x) = down (silu(gate x) * (up x)).
public enum Projection: String, Sendable, CaseIterable {
  /// [I, H].
  case gate
  /// [I, H].
  case up
  /// [H, I].
  case down

  /// The role of this matrix in a routed expert.
  public var role: TensorRole {
    switch self {
    case .gate: .expertGate
    case .up: .expertUp
    case .down: .expertDown
    }
  }
}
