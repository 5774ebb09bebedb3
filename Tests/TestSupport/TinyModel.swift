public import JSON
public import Tensors

/// A checkpoint of a few kilobytes that is real in structure: two layers, four experts, eight wide.
public struct TinyModel: Sendable {
  /// What `config.json` says.
  public var configuration: JSONValue
  /// All tensors in the order they are written.
  public var tensors: [RawTensor]

  private static let hidden = 8
  private static let width = 6
  private static let vocabulary = 16

  // MARK: - Families

  /// A Mixtral.
  public static func mixtral(type: ElementType = .bf16, experts: Int = 4, seed: UInt64 = 1)
    -> TinyModel
  {
    var random = SeededRandom(seed: seed)
    var tensors = ends(type, using: &random)
    for layer in 0..<2 {
      let prefix = "model.layers.\(layer)"
      tensors += attention(prefix, type, hasBias: false, using: &random)
      let block = prefix + ".block_sparse_moe"
      tensors.append(RawTensor("\(block).gate.weight", type, [experts, hidden], using: &random))
      for expert in 0..<experts {
        let name = "\(block).experts.\(expert)"
        tensors += gated(
          ["\(name).w1.weight", "\(name).w3.weight", "\(name).w2.weight"],
          type,
          using: &random
        )
      }
    }
    let configuration: JSONValue = [
      "architectures": ["MixtralForCausalLM"], "hidden_act": "silu", "hidden_size": 8,
      "intermediate_size": 6, "max_position_embeddings": 64, "model_type": "mixtral",
      "num_attention_heads": 2, "num_experts_per_tok": 2, "num_hidden_layers": 2,
      "num_key_value_heads": 1, "num_local_experts": JSONValue(experts),
      "rms_norm_eps": .number("1e-05"), "rope_theta": .number("10000.0"), "sliding_window": nil,
      "tie_word_embeddings": false, "torch_dtype": .string(word(type)), "vocab_size": 16,
    ]
    return TinyModel(configuration: configuration, tensors: tensors)
  }

  /// A Qwen2-MoE; layers not in `moeLayers` have an ordinary feed-forward.
  public static func qwen2MoE(
    type: ElementType = .bf16,
    moeLayers: [Int] = [0, 1],
    layers: Int = 2,
    seed: UInt64 = 2
  ) -> TinyModel {
    var random = SeededRandom(seed: seed)
    var tensors = ends(type, using: &random)
    for layer in 0..<layers {
      let prefix = "model.layers.\(layer)"
      tensors += attention(prefix, type, hasBias: true, using: &random)
      let block = prefix + ".mlp"
      guard moeLayers.contains(layer) else {
        tensors += gated(projections(block), type, width: 10, using: &random)
        continue
      }
      tensors.append(RawTensor("\(block).gate.weight", type, [4, hidden], using: &random))
      tensors += gated(projections(block + ".shared_expert"), type, width: 12, using: &random)
      tensors.append(
        RawTensor("\(block).shared_expert_gate.weight", type, [1, hidden], using: &random)
      )
      for expert in 0..<4 {
        tensors += gated(projections("\(block).experts.\(expert)"), type, using: &random)
      }
    }
    let configuration: JSONValue = [
      "architectures": ["Qwen2MoeForCausalLM"], "decoder_sparse_step": 1, "hidden_act": "silu",
      "hidden_size": 8, "intermediate_size": 10, "max_position_embeddings": 64,
      "mlp_only_layers": JSONValue((0..<layers).filter { !moeLayers.contains($0) }),
      "model_type": "qwen2_moe", "moe_intermediate_size": 6,
      "norm_topk_prob": false, "num_attention_heads": 2, "num_experts": 4,
      "num_experts_per_tok": 2, "num_hidden_layers": JSONValue(layers), "num_key_value_heads": 1,
      "rms_norm_eps": .number("1e-06"), "rope_theta": .number("10000.0"),
      "shared_expert_intermediate_size": 12, "tie_word_embeddings": false,
      "torch_dtype": .string(word(type)), "use_sliding_window": false, "vocab_size": 16,
    ]
    return TinyModel(configuration: configuration, tensors: tensors)
  }

  // MARK: - Changes

  /// Sets a key of the configuration; nil removes it.
  public mutating func set(_ key: String, _ value: JSONValue?) {
    guard case .object(var object) = configuration else { return }
    object[key] = value
    configuration = .object(object)
  }

  /// The tensor called `name`, if there is one.
  public subscript(name: String) -> RawTensor? { tensors.first { $0.name == name } }

  /// Removes the tensor called `name`.
  public mutating func remove(_ name: String) { tensors.removeAll { $0.name == name } }

  /// Puts each layer's experts into one tensor, as transformers 5 keeps them.
  public mutating func fuseExperts() {
    for layer in 0..<(configuration["num_hidden_layers"]?.integer ?? 0) {
      let isMixtral = configuration["model_type"] == "mixtral"
      let block = "model.layers.\(layer)." + (isMixtral ? "block_sparse_moe" : "mlp")
      let words =
        isMixtral ? ["w1", "w3", "w2"] : ["gate_proj", "up_proj", "down_proj"]
      func matrix(_ expert: Int, _ word: String) -> RawTensor? {
        self["\(block).experts.\(expert).\(word).weight"]
      }
      guard let first = matrix(0, words[0]) else { continue }
      let count = (0...).prefix { matrix($0, words[0]) != nil }.count
      var (gateUp, down) = ([UInt8](), [UInt8]())
      for expert in 0..<count {
        gateUp += (matrix(expert, words[0])?.bytes ?? []) + (matrix(expert, words[1])?.bytes ?? [])
        down += matrix(expert, words[2])?.bytes ?? []
      }
      tensors.removeAll { $0.name.hasPrefix("\(block).experts.") }
      let name = "model.layers.\(layer).mlp.experts"
      let (rows, columns) = (first.shape[0], first.shape[1])
      tensors.append(
        RawTensor("\(name).gate_up_proj", first.type, [count, 2 * rows, columns], gateUp)
      )
      tensors.append(RawTensor("\(name).down_proj", first.type, [count, columns, rows], down))
    }
  }

  // MARK: - Writing

  /// Writes `config.json` and `model.safetensors`, or as many shards as asked for with their index,
  /// in place of what was there.
  public func write(to folder: TemporaryDirectory, at relative: String, shards: Int = 1) throws {
    folder.remove(relative)
    try folder.write(configuration.text(pretty: true) + "\n", to: "\(relative)/config.json")
    guard shards > 1 else {
      let bytes = RawSafetensors.file(tensors, metadata: #"{"format":"pt"}"#)
      try folder.write(bytes, to: "\(relative)/model.safetensors")
      return
    }
    var map = JSONObject()
    for shard in 0..<shards {
      let name = "model-0000\(shard + 1)-of-0000\(shards).safetensors"
      let own = tensors.indices.filter { $0 * shards / tensors.count == shard }.map { tensors[$0] }
      for tensor in own { map[tensor.name] = .string(name) }
      try folder.write(RawSafetensors.file(own), to: "\(relative)/\(name)")
    }
    let total = tensors.reduce(0) { $0 + $1.bytes.count }
    let index: JSONValue = [
      "metadata": ["total_size": JSONValue(total)], "weight_map": .object(map),
    ]
    try folder.write(index.text(pretty: true), to: "\(relative)/model.safetensors.index.json")
  }

  // MARK: - Pieces

  private static func word(_ type: ElementType) -> String {
    type == .bf16 ? "bfloat16" : "float32"
  }

  private static func projections(_ prefix: String) -> [String] {
    ["gate_proj", "up_proj", "down_proj"].map { "\(prefix).\($0).weight" }
  }

  private static func ends(_ type: ElementType, using random: inout SeededRandom) -> [RawTensor] {
    [
      RawTensor("lm_head.weight", type, [vocabulary, hidden], using: &random),
      RawTensor("model.embed_tokens.weight", type, [vocabulary, hidden], using: &random),
      RawTensor("model.norm.weight", type, [hidden], using: &random),
    ]
  }

  private static func attention(
    _ prefix: String,
    _ type: ElementType,
    hasBias: Bool,
    using random: inout SeededRandom
  ) -> [RawTensor] {
    var tensors = [
      RawTensor("\(prefix).input_layernorm.weight", type, [hidden], using: &random),
      RawTensor("\(prefix).post_attention_layernorm.weight", type, [hidden], using: &random),
    ]
    for (word, rows) in [("q", hidden), ("k", 4), ("v", 4), ("o", hidden)] {
      let name = "\(prefix).self_attn.\(word)_proj"
      tensors.append(RawTensor("\(name).weight", type, [rows, hidden], using: &random))
      if hasBias && word != "o" {
        tensors.append(RawTensor("\(name).bias", type, [rows], using: &random))
      }
    }
    return tensors
  }

  private static func gated(
    _ names: [String],
    _ type: ElementType,
    width: Int = width,
    using random: inout SeededRandom
  ) -> [RawTensor] {
    [
      RawTensor(names[0], type, [width, hidden], using: &random),
      RawTensor(names[1], type, [width, hidden], using: &random),
      RawTensor(names[2], type, [hidden, width], using: &random),
    ]
  }
}
