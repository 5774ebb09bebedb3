internal import JSON

/// Mixtral in GGUF files: `llama` with experts.
extension Mixtral {
  var ggufName: String { "llama" }

  var ggufNames: TensorNames { TensorNames(TensorNames.ggufDecoder + TensorNames.ggufExperts) }

  var reordersQueryAndKey: Bool { true }

  /// Llama has no experts, Mixtral has some.
  func claims(_ keys: ArchitectureKeys) throws -> Bool { try (keys.count("expert_count") ?? 0) > 0 }

  func configurationJSON(_ keys: ArchitectureKeys) throws -> JSONObject {
    var json = try keys.decoderConfiguration(modelType, class: "MixtralForCausalLM")
    json["intermediate_size"] = JSONValue(try keys.requiredCount("feed_forward_length"))
    json["num_local_experts"] = JSONValue(try keys.requiredCount("expert_count"))
    json["num_experts_per_tok"] = JSONValue(try keys.requiredCount("expert_used_count"))
    json["sliding_window"] = .null
    return json
  }

  var stackOrder: [Projection] { [.gate, .down, .up] }

  var needsGGUFOutput: Bool { false }

  func ggufObstacle(_ c: ModelConfiguration) -> (reason: String, remedy: String)? { nil }

  func ggufParameters(_ c: ModelConfiguration) -> [(key: String, value: Int)] {
    [("vocab_size", c.vocabularySize), ("rope.dimension_count", c.headDimension)]
  }
}
