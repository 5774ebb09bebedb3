public import GGUF
internal import JSON

/// How a model of a known family is written as GGUF: names, orders and the keys of its architecture.
///
/// Source: `conversion/base.py`, `TextModel.set_gguf_parameters`, and the files of the families.
public struct GGUFNaming: Sendable {
  private let family: any Architecture
  private let names: TensorNames
  private let configuration: ModelConfiguration
  private let contextLength: Int?
  private let namesHeadDimension: Bool

  /// The GGUF side of `checkpoint`; nil if its family is not known.
  public init?(_ checkpoint: Checkpoint) {
    guard let configuration = checkpoint.configuration, let json = checkpoint.configurationJSON,
      let family = Architectures.of(json)
    else { return nil }
    self.configuration = configuration
    self.family = family
    names = family.ggufNames
    contextLength = json["max_position_embeddings"]?.integer
    namesHeadDimension = json["head_dim"]?.integer != nil
  }

  /// `general.architecture`.
  public var architecture: String { family.ggufName }

  /// The name of the tensor at `place`; routed experts are stacked, so theirs has no expert.
  public func name(of place: TensorPlace) -> String {
    names.name(of: TensorPlace(place.role, layer: place.layer))
  }

  /// The order in which the stacks of a layer stand.
  public var stackOrder: [Projection] { family.stackOrder }

  /// The order of rows of a query or key projection; nil if they stay as they are.
  public func rotaryRows(of role: TensorRole) -> RotaryRows? {
    guard family.reordersQueryAndKey else { return nil }
    let dimension = configuration.headDimension
    switch role {
    case .attentionQuery, .attentionQueryBias:
      return RotaryRows(heads: configuration.headCount, dimension: dimension)
    case .attentionKey, .attentionKeyBias:
      return RotaryRows(heads: configuration.keyValueHeadCount, dimension: dimension)
    default: return nil
    }
  }

  /// Why llama.cpp would not compute what the configuration says, and what helps; nil if it would.
  public var obstacle: (reason: String, remedy: String)? {
    if let obstacle = family.ggufObstacle(configuration) { return obstacle }
    let context = contextLength ?? Int.max
    if let window = configuration.slidingWindow.compactMap({ $0 }).min(), window < context {
      return (
        "it attends within a window of \(window) tokens, and llama.cpp knows none for"
          + " \(architecture)",
        "for contexts up to \(window) set max_position_embeddings in config.json to that"
      )
    }
    return nil
  }

  /// Whether llama.cpp needs an output of its own where the embedding serves as one.
  public var needsOutput: Bool { family.needsGGUFOutput }

  /// The keys of the architecture, `general.file_type` among them, in the order of llama.cpp's
  /// converter and with the types that llama.cpp expects.
  ///
  /// - Parameters:
  ///   - experts: Routed experts per layer.
  ///   - fileType: `general.file_type`.
  ///   - hasTokenizer: Whether a tokenizer follows; without one llama.cpp needs to be told the size of
  ///     the vocabulary.
  /// - Returns: Keys and values, in order.
  public func parameters(
    experts: Int,
    fileType: UInt32,
    hasTokenizer: Bool
  ) -> [(String, GGUFValue)] {
    let c = configuration
    var keys: [(String, GGUFValue)] = []
    func add(_ key: String, _ value: GGUFValue) { keys.append(("\(architecture).\(key)", value)) }
    func add(_ key: String, _ value: Int) { add(key, .uint32(UInt32(value))) }
    add("block_count", c.layerCount)
    if let contextLength, let length = UInt32(exactly: contextLength) {
      add("context_length", .uint32(length))
    }
    add("embedding_length", c.hiddenSize)
    add("feed_forward_length", c.denseWidth > 0 ? c.denseWidth : c.expertWidth)
    add("attention.head_count", c.headCount)
    add("attention.head_count_kv", c.keyValueHeadCount)
    if c.rope.factor != 1 {
      add("rope.scaling.type", .string("linear"))
      add("rope.scaling.factor", .float32(Float(c.rope.factor)))
    }
    add("rope.freq_base", .float32(Float(c.rope.theta)))
    add("attention.layer_norm_rms_epsilon", .float32(Float(c.normEpsilon)))
    add("expert_count", experts)
    add("expert_used_count", min(c.topK, experts))
    if namesHeadDimension || c.headDimension * c.headCount != c.hiddenSize {
      add("attention.key_length", c.headDimension)
      add("attention.value_length", c.headDimension)
    }
    keys.append(("general.file_type", .uint32(fileType)))
    let own = family.ggufParameters(c)
    for (key, value) in own { add(key, value) }
    if !hasTokenizer, !own.contains(where: { $0.key == "vocab_size" }) {
      add("vocab_size", c.vocabularySize)
    }
    return keys
  }
}
