internal import JSON

extension ArchitectureKeys {
  /// The part of `config.json` that decoders descended from Llama share; rows of the embedding, type
  /// and special tokens are added by ``GGUFDescription``.
  func decoderConfiguration(_ modelType: String, class name: String) throws -> JSONObject {
    var json = JSONObject()
    json["architectures"] = [.string(name)]
    json["model_type"] = .string(modelType)
    json["hidden_act"] = "silu"
    let hidden = try requiredCount("embedding_length")
    let heads = try requiredCount("attention.head_count")
    json["hidden_size"] = JSONValue(hidden)
    json["num_hidden_layers"] = JSONValue(try requiredCount("block_count"))
    json["num_attention_heads"] = JSONValue(heads)
    json["num_key_value_heads"] = JSONValue(
      try uniformCount("attention.head_count_kv") ?? heads
    )
    if let length = try count("attention.key_length") {
      if let value = try count("attention.value_length"), value != length {
        throw error(
          "attention.value_length",
          "is \(value)",
          "this family needs it equal to attention.key_length, \(length)"
        )
      }
      json["head_dim"] = JSONValue(length)
    }
    if let rotated = try count("rope.dimension_count") {
      let whole = json["head_dim"]?.integer ?? hidden / max(heads, 1)
      guard rotated == whole else {
        throw error(
          "rope.dimension_count",
          "is \(rotated)",
          "only rotation of the whole head, \(whole), is understood"
        )
      }
    }
    if let context = try count("context_length") {
      json["max_position_embeddings"] = JSONValue(context)
    }
    if let epsilon = try number("attention.layer_norm_rms_epsilon") {
      json["rms_norm_eps"] = epsilon
    }
    try addRotary(to: &json)
    return json
  }
}

extension TensorNames {
  /// The names that llama.cpp gives the tensors of decoders descended from Llama.
  static let ggufDecoder: [Rule] = [
    ("token_embd.weight", .embedding),
    ("output_norm.weight", .finalNorm),
    ("output.weight", .output),
    ("blk.#.attn_norm.weight", .attentionNorm),
    ("blk.#.ffn_norm.weight", .mlpNorm),
    ("blk.#.attn_q.weight", .attentionQuery),
    ("blk.#.attn_k.weight", .attentionKey),
    ("blk.#.attn_v.weight", .attentionValue),
    ("blk.#.attn_output.weight", .attentionOutput),
    ("blk.#.attn_q.bias", .attentionQueryBias),
    ("blk.#.attn_k.bias", .attentionKeyBias),
    ("blk.#.attn_v.bias", .attentionValueBias),
    ("blk.#.attn_output.bias", .attentionOutputBias),
  ]

  /// Router and stacked experts.
  static let ggufExperts: [Rule] = [
    ("blk.#.ffn_gate_inp.weight", .router),
    ("blk.#.ffn_gate_exps.weight", .expertGate),
    ("blk.#.ffn_up_exps.weight", .expertUp),
    ("blk.#.ffn_down_exps.weight", .expertDown),
    ("blk.#.ffn_gate_up_exps.weight", .expertGateUp),
  ]

  /// A shared expert with its gate.
  static let ggufSharedExpert: [Rule] = [
    ("blk.#.ffn_gate_shexp.weight", .sharedGate),
    ("blk.#.ffn_up_shexp.weight", .sharedUp),
    ("blk.#.ffn_down_shexp.weight", .sharedDown),
    ("blk.#.ffn_gate_inp_shexp.weight", .sharedExpertGate),
  ]

  /// The names of every matrix that a decoder layer may have, whatever the family.
  public static let ggufMatrices = TensorNames(
    ggufDecoder + ggufExperts + ggufSharedExpert + [
      ("blk.#.ffn_gate.weight", .mlpGate),
      ("blk.#.ffn_up.weight", .mlpUp),
      ("blk.#.ffn_down.weight", .mlpDown),
    ]
  )
}
