internal import JSON

/// Qwen2-MoE and Qwen1.5-MoE: narrow routed experts, and a shared expert behind a sigmoid gate.
///
/// Source: transformers `models/qwen2_moe`. A layer has experts unless `mlp_only_layers` names it
/// or `decoder_sparse_step` skips it; weights are not renormalised unless `norm_topk_prob` says so.
struct Qwen2MoE: Architecture {
  let modelType = "qwen2_moe"

  let names = TensorNames(
    TensorNames.decoder + [
      ("model.layers.#.mlp.gate.weight", .router),
      ("model.layers.#.mlp.experts.#.gate_proj.weight", .expertGate),
      ("model.layers.#.mlp.experts.#.up_proj.weight", .expertUp),
      ("model.layers.#.mlp.experts.#.down_proj.weight", .expertDown),
      ("model.layers.#.mlp.shared_expert.gate_proj.weight", .sharedGate),
      ("model.layers.#.mlp.shared_expert.up_proj.weight", .sharedUp),
      ("model.layers.#.mlp.shared_expert.down_proj.weight", .sharedDown),
      ("model.layers.#.mlp.shared_expert_gate.weight", .sharedExpertGate),
      ("model.layers.#.mlp.gate_proj.weight", .mlpGate),
      ("model.layers.#.mlp.up_proj.weight", .mlpUp),
      ("model.layers.#.mlp.down_proj.weight", .mlpDown),
    ] + TensorNames.fusedExperts
  )

  func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration {
    try reader.requireSiLU()
    let hidden = try reader.count("hidden_size", in: 1...1 << 20)
    let layers = try reader.count("num_hidden_layers", in: 1...4096)
    let heads = try reader.heads(hiddenSize: hidden)
    let experts = try reader.experts(
      "num_experts",
      topK: "num_experts_per_tok",
      layers: layers
    )
    let step = try reader.count("decoder_sparse_step", default: 1, in: 1...4096)
    let dense = Set(try reader.layers("mlp_only_layers"))
    let shared = try reader.count(
      "shared_expert_intermediate_size",
      default: 5632,
      in: 1...1 << 20
    )
    return ModelConfiguration(
      modelType: modelType,
      hiddenSize: hidden,
      layerCount: layers,
      vocabularySize: try reader.count("vocab_size", in: 1...1 << 24),
      headCount: heads.heads,
      keyValueHeadCount: heads.keyValueHeads,
      headDimension: heads.dimension,
      hasAttentionBias: try reader.flag("qkv_bias", default: true),
      normEpsilon: try reader.positive("rms_norm_eps", default: 1e-6),
      rope: try reader.rotary(defaultTheta: 10000),
      slidingWindow: try slidingWindow(reader, layers: layers),
      isTied: try reader.flag("tie_word_embeddings", default: false),
      moeLayers: (0..<layers).filter { !dense.contains($0) && ($0 + 1) % step == 0 },
      expertCount: experts.count,
      topK: experts.topK,
      expertWidth: try reader.count("moe_intermediate_size", default: 1408, in: 1...1 << 20),
      normalizesTopK: try reader.flag("norm_topk_prob", default: false),
      sharedExpertWidth: shared,
      hasSharedExpertGate: true,
      denseWidth: try reader.count("intermediate_size", default: 5632, in: 1...1 << 20),
      expertCountKey: experts.key,
      topKKey: "num_experts_per_tok"
    )
  }

  /// Windows per layer: `layer_types` where given, else every other layer below
  /// `max_window_layers`.
  private func slidingWindow(_ reader: ConfigurationReader, layers: Int) throws -> [Int?] {
    guard try reader.flag("use_sliding_window", default: false) else {
      return Array(repeating: nil, count: layers)
    }
    let window = try reader.count("sliding_window", default: 4096, in: 0...1 << 30)
    guard window > 0 else { return Array(repeating: nil, count: layers) }
    if let types = reader.json["layer_types"]?.array {
      guard types.count == layers else {
        throw reader.error(
          "layer_types",
          "has \(types.count) entries",
          "expected one per layer, \(layers)"
        )
      }
      return types.map { $0.string == "sliding_attention" ? window : nil }
    }
    let limit = try reader.count("max_window_layers", default: 28, in: 0...1 << 20)
    return (0..<layers).map { $0 % 2 == 0 && $0 < limit ? window : nil }
  }
}
