/// Mixtral: grouped-query attention, eight or so wide experts per layer, weights renormalised.
///
/// Source: transformers `models/mixtral`. Every layer has experts; `w1` is gate, `w3` up, `w2`
/// down.
struct Mixtral: Architecture {
  let modelType = "mixtral"

  let names = TensorNames(
    TensorNames.decoder + [
      ("model.layers.#.block_sparse_moe.gate.weight", .router),
      ("model.layers.#.block_sparse_moe.experts.#.w1.weight", .expertGate),
      ("model.layers.#.block_sparse_moe.experts.#.w3.weight", .expertUp),
      ("model.layers.#.block_sparse_moe.experts.#.w2.weight", .expertDown),
      // As transformers 5 keeps them in memory, and some save them.
      ("model.layers.#.mlp.gate.weight", .router),
    ] + TensorNames.fusedExperts
  )

  func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration {
    try reader.requireSiLU()
    let hidden = try reader.count("hidden_size", in: 1...1 << 20)
    let layers = try reader.count("num_hidden_layers", in: 1...4096)
    let heads = try reader.heads(hiddenSize: hidden)
    let experts = try reader.experts(
      "num_local_experts",
      "num_experts",
      topK: "num_experts_per_tok",
      layers: layers
    )
    let window = try reader.count("sliding_window", default: 0, in: 0...1 << 30)
    return ModelConfiguration(
      modelType: modelType,
      hiddenSize: hidden,
      layerCount: layers,
      vocabularySize: try reader.count("vocab_size", in: 1...1 << 24),
      headCount: heads.heads,
      keyValueHeadCount: heads.keyValueHeads,
      headDimension: heads.dimension,
      hasAttentionBias: false,
      normEpsilon: try reader.positive("rms_norm_eps", default: 1e-5),
      rope: try reader.rotary(defaultTheta: 1e6),
      slidingWindow: Array(repeating: window > 0 ? window : nil, count: layers),
      isTied: try reader.flag("tie_word_embeddings", default: false),
      moeLayers: Array(0..<layers),
      expertCount: experts.count,
      topK: experts.topK,
      expertWidth: try reader.count("intermediate_size", in: 1...1 << 20),
      normalizesTopK: true,
      sharedExpertWidth: nil,
      hasSharedExpertGate: false,
      denseWidth: 0,
      expertCountKey: experts.key,
      topKKey: "num_experts_per_tok"
    )
  }
}
