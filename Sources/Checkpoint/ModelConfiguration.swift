/// What a forward pass needs to know of a decoder with routed experts, whatever its family calls
/// it.
public struct ModelConfiguration: Sendable, Equatable {
  /// `model_type`.
  public var modelType: String
  /// Width of the residual stream, H.
  public var hiddenSize: Int
  /// Number of decoder layers.
  public var layerCount: Int
  /// Rows of embedding and output.
  public var vocabularySize: Int
  /// Query heads.
  public var headCount: Int
  /// Key and value heads; divides `headCount`.
  public var keyValueHeadCount: Int
  /// Width of a head.
  public var headDimension: Int
  /// Whether q, k and v have biases.
  public var hasAttentionBias: Bool
  /// Epsilon of every RMS norm.
  public var normEpsilon: Double
  /// Rotary embedding.
  public var rope: RotaryConfiguration
  /// Keys a query sees, itself included, per layer; nil for all before it.
  public var slidingWindow: [Int?]
  /// Whether the output uses the embedding.
  public var isTied: Bool
  /// Layers with routed experts, ascending.
  public var moeLayers: [Int]
  /// Routed experts per MoE layer, E.
  public var expertCount: Int
  /// Experts a token is sent to, k.
  public var topK: Int
  /// Width of a routed expert, I.
  public var expertWidth: Int
  /// Whether the k weights are scaled to sum to one.
  public var normalizesTopK: Bool
  /// Width of the shared expert, nil if there is none.
  public var sharedExpertWidth: Int?
  /// Whether a sigmoid gate scales the shared expert.
  public var hasSharedExpertGate: Bool
  /// Width of the feed-forward of layers without experts.
  public var denseWidth: Int
  /// The key that counts routed experts in `config.json`.
  public var expertCountKey: String
  /// The key for experts per token in `config.json`.
  public var topKKey: String

  /// Whether `layer` has routed experts.
  public func isMixture(_ layer: Int) -> Bool { moeLayers.contains(layer) }
}

/// Rotary position embedding.
public struct RotaryConfiguration: Sendable, Equatable {
  /// Base of the frequencies.
  public var theta: Double
  /// What positions are divided by (`linear` scaling); 1 for none.
  public var factor: Double
}
