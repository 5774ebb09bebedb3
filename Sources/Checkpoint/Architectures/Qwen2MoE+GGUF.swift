internal import JSON

/// Qwen2-MoE in GGUF files.
///
/// llama.cpp never renormalises the weights of this architecture, whatever a configuration says, and
/// all layers have experts.
extension Qwen2MoE {
  var ggufName: String { "qwen2moe" }

  var ggufNames: TensorNames {
    TensorNames(
      TensorNames.ggufDecoder + TensorNames.ggufExperts + TensorNames.ggufSharedExpert
    )
  }

  var reordersQueryAndKey: Bool { false }

  func claims(_ keys: ArchitectureKeys) throws -> Bool { true }

  func configurationJSON(_ keys: ArchitectureKeys) throws -> JSONObject {
    var json = try keys.decoderConfiguration(modelType, class: "Qwen2MoeForCausalLM")
    let experts = try keys.requiredCount("expert_count")
    let used = try keys.requiredCount("expert_used_count")
    let width = try keys.requiredCount("feed_forward_length")
    json["intermediate_size"] = JSONValue(width)
    json["num_experts"] = JSONValue(experts)
    json["num_experts_per_tok"] = JSONValue(used)
    // As llama.cpp takes them where old files do not say.
    json["moe_intermediate_size"] = JSONValue(
      try keys.count("expert_feed_forward_length") ?? width / max(used, 1)
    )
    json["shared_expert_intermediate_size"] = JSONValue(
      try keys.count("expert_shared_feed_forward_length") ?? width
    )
    json["norm_topk_prob"] = false
    json["decoder_sparse_step"] = 1
    json["mlp_only_layers"] = []
    json["qkv_bias"] = true
    json["use_sliding_window"] = false
    return json
  }

  var stackOrder: [Projection] { [.down, .gate, .up] }

  var needsGGUFOutput: Bool { true }

  func ggufObstacle(_ c: ModelConfiguration) -> (reason: String, remedy: String)? {
    if c.normalizesTopK {
      return (
        "norm_topk_prob is true, and llama.cpp never renormalises the weights of qwen2moe",
        "keep it as safetensors or .moepack"
      )
    }
    if c.moeLayers.count != c.layerCount {
      return (
        "\(c.layerCount - c.moeLayers.count) of its layers have no experts, and llama.cpp expects"
          + " them in every layer of qwen2moe",
        "keep it as safetensors or .moepack"
      )
    }
    return nil
  }

  func ggufParameters(_ c: ModelConfiguration) -> [(key: String, value: Int)] {
    [
      ("expert_feed_forward_length", c.expertWidth),
      ("expert_shared_feed_forward_length", c.sharedExpertWidth ?? 0),
    ]
  }
}
