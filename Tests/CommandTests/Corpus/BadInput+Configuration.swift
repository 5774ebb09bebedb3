import JSON
import Tensors
import TestSupport

extension BadInput {
  /// A model whose `config.json` is `text`: nothing can be opened.
  private static func text(_ name: String, saying words: String..., text: String) -> BadInput {
    BadInput(name, words + ["config.json"]) { place in
      try place.write(Array(text.utf8), to: "config.json")
      return [["inspect", place("model")]] + place.using()
    }
  }

  /// A model with another value in its configuration: it can be looked at, but not run.
  private static func value(
    _ key: String,
    _ value: JSONValue?,
    of model: TinyModel = .mixtral(),
    saying words: String...
  ) -> BadInput {
    let written = value?.text(pretty: false) ?? "missing"
    return BadInput(
      "\(key) \(written.prefix(40))",
      words.isEmpty ? ["config.json", "'\(key)'"] : words
    ) {
      place in
      var model = model
      model.set(key, value)
      try place.write(model)
      return place.using()
    }
  }

  /// Configurations that are missing, spoilt, impossible, or of other weights.
  static let configurations: [BadInput] = [
    BadInput("no configuration", saying: "config.json") { place in
      try place.write()
      place.folder.remove("model/config.json")
      return place.using()
    },
    text("an empty configuration", text: ""),
    text("a configuration that is no JSON", saying: "byte 0", text: "mixtral"),
    text("a configuration cut short", saying: "byte", text: #"{"model_type":"mixtral""#),
    text("a key twice", saying: "key twice", text: #"{"vocab_size":16,"vocab_size":16}"#),
    text("a configuration that is not UTF-8 by escape", text: #"{"model_type":"\ud800"}"#),
    text("NaN as a value", saying: "byte", text: #"{"rms_norm_eps":NaN}"#),
    text("deep nesting", saying: "64 levels", text: String(repeating: "{\"a\":", count: 100_000)),
    text(
      "a configuration of 17 MB",
      saying: "16777216",
      text: "{\"a\":[" + String(repeating: "[],", count: 6_000_000) + "0]}"
    ),
    value("model_type", nil, saying: "model_type"),
    value("model_type", "gpt2", saying: "gpt2", "mixtral"),
    value("model_type", 7, saying: "model_type"),
    value("num_attention_heads", 0),
    value("num_attention_heads", 3),
    value("num_attention_heads", 4096, saying: "hidden_size"),
    value("num_key_value_heads", 0),
    value("num_key_value_heads", 5),
    value("num_experts_per_tok", 0),
    value("num_experts_per_tok", 5),
    value("num_local_experts", 0),
    value("num_local_experts", 65536, saying: "[65536, 8]"),
    value("num_local_experts", 65537),
    BadInput("more experts than any model has", saying: "num_local_experts", "1048576") { place in
      var model = TinyModel.mixtral()
      model.set("num_local_experts", 65536)
      model.set("num_hidden_layers", 4096)
      try place.write(model)
      return place.using()
    },
    value("num_local_experts", 5, saying: "gate.weight", "[5, 8]"),
    value("num_local_experts", 3, saying: "gate.weight", "[3, 8]"),
    value("hidden_size", 0),
    value("hidden_size", -8),
    value("hidden_size", .number("8.5")),
    value("hidden_size", .number("1e300")),
    value("hidden_size", .number("9223372036854775807")),
    value("hidden_size", [8]),
    value("hidden_size", 16, saying: "embed_tokens", "[16, 16]"),
    value("intermediate_size", 7, saying: "experts.0"),
    value("intermediate_size", 2_097_152),
    value("num_hidden_layers", 0),
    value("num_hidden_layers", 4097),
    value("num_hidden_layers", 3, saying: "layers.2"),
    value("num_hidden_layers", 1, saying: "layers.1"),
    value("vocab_size", 0),
    value("vocab_size", 1_073_741_824),
    value("vocab_size", 17, saying: "embed_tokens"),
    value("head_dim", 3),
    value("head_dim", 6, saying: "q_proj"),
    value("rms_norm_eps", 0),
    value("rms_norm_eps", .number("-1e-5")),
    value("rms_norm_eps", .number("1e999")),
    value("rms_norm_eps", "small"),
    value("rope_theta", 0),
    value("rope_scaling", ["type": "yarn"], saying: "rope_type", "yarn"),
    value("sliding_window", -1),
    value("hidden_act", "relu"),
    value("tie_word_embeddings", true, saying: "lm_head.weight"),
    value("tie_word_embeddings", "yes"),
    value("num_experts", 1, of: .qwen2MoE(), saying: "num_experts_per_tok"),
    value("mlp_only_layers", [0], of: .qwen2MoE(), saying: "layers.0.mlp"),
    value("mlp_only_layers", [-1], of: .qwen2MoE()),
    value("decoder_sparse_step", 0, of: .qwen2MoE()),
    value("norm_topk_prob", 1, of: .qwen2MoE()),
    value("qkv_bias", false, of: .qwen2MoE(), saying: "bias"),
    value("moe_intermediate_size", 3, of: .qwen2MoE(), saying: "experts.0"),
    value("shared_expert_intermediate_size", 1, of: .qwen2MoE(), saying: "shared_expert"),
    BadInput("experts of other shapes, exported", saying: "experts", "config.json") { place in
      var model = TinyModel.qwen2MoE()
      model.set("moe_intermediate_size", nil)
      try place.write(model)
      return [["convert", place("model"), "-o", place("out")]]
    },
    BadInput("more experts than the router has, fused, exported", saying: "config.json") { place in
      var model = TinyModel.mixtral()
      model.fuseExperts()
      model.set("num_local_experts", 6)
      try place.write(model)
      return [["convert", place("model"), "-o", place("out")]]
    },
    BadInput("a tensor missing", saying: "layers.1.input_layernorm", "missing") { place in
      var model = TinyModel.mixtral()
      model.remove("model.layers.1.input_layernorm.weight")
      try place.write(model)
      return place.using()
    },
    BadInput("a tensor too many", saying: "model.extra", "--ignore") { place in
      var model = TinyModel.mixtral()
      model.tensors.append(RawTensor("model.extra", .u8, [1], [0]))
      try place.write(model)
      return place.using()
    },
    BadInput("an expert missing", saying: "experts.3.w2", "missing") { place in
      var model = TinyModel.mixtral()
      model.remove("model.layers.0.block_sparse_moe.experts.3.w2.weight")
      try place.write(model)
      return place.using()
    },
  ]
}
