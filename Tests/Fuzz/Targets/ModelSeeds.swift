internal import TestSupport

/// GGUF files of one layer and two experts, eight wide, of families that are known: the smallest that
/// run.
enum ModelSeeds {
  /// A Mixtral, its experts stacked.
  static var mixtral: RawGGUF { file(llama("llama"), decoder + stacks, vocabulary) }

  /// The same with gate and up projections in one tensor.
  static var joined: RawGGUF {
    let joint: [Shape] = [
      ("blk.0.ffn_gate_up_exps.weight", [8, 12, 2]), ("blk.0.ffn_down_exps.weight", [6, 8, 2]),
    ]
    return file(llama("llama"), decoder + joint, [])
  }

  /// A Qwen2-MoE with a shared expert.
  static var qwen2MoE: RawGGUF {
    let keys =
      [RawGGUF.pair("general.architecture", "qwen2moe")] + sizes("qwen2moe") + [
        RawGGUF.pair("qwen2moe.expert_feed_forward_length", 6),
        RawGGUF.pair("qwen2moe.expert_shared_feed_forward_length", 4),
      ]
    let own: [Shape] = [
      ("blk.0.attn_q.bias", [8]), ("blk.0.attn_k.bias", [4]), ("blk.0.attn_v.bias", [4]),
      ("blk.0.ffn_gate_shexp.weight", [8, 4]), ("blk.0.ffn_up_shexp.weight", [8, 4]),
      ("blk.0.ffn_down_shexp.weight", [4, 8]), ("blk.0.ffn_gate_inp_shexp.weight", [8]),
    ]
    return file(keys, decoder + stacks + own, bytePairs)
  }

  /// A Mixtral with one expert left, the second, one of its matrices as factors.
  static var factored: RawGGUF {
    let keys =
      llama("moepack-llama") + [
        RawGGUF.pair("moepack.factored.version", 1),
        RawGGUF.array("moepack.expert_count", of: 5, 1, .littleEndian(Int32(1))),
        RawGGUF.array("moepack.expert_type", of: 8, 1, RawGGUF.string("F32")),
        RawGGUF.array("moepack.experts.0", of: 5, 1, .littleEndian(Int32(1))),
      ]
    let parts: [Shape] = [
      ("blk.0.exps.1.ffn_gate.u", [6, 2]), ("blk.0.exps.1.ffn_gate.v", [8, 2]),
      ("blk.0.exps.1.ffn_up.weight", [8, 6]), ("blk.0.exps.1.ffn_down.weight", [6, 8]),
    ]
    let shapes = decoder.map { $0.name.contains("gate_inp") ? ($0.name, [8, 1]) : $0 }
    return file(keys, shapes + parts, vocabulary)
  }

  /// A LoRA adapter of rank 2 for ``mixtral``.
  static var adapter: RawGGUF {
    let keys = [
      RawGGUF.pair("general.type", "adapter"), RawGGUF.pair("general.architecture", "llama"),
      RawGGUF.pair("adapter.type", "lora"),
      RawGGUF.pair("adapter.lora.alpha", 6, .littleEndian(Float(4).bitPattern)),
    ]
    let halves: [Shape] = [
      ("blk.0.ffn_gate_exps.weight.lora_a", [8, 2, 2]),
      ("blk.0.ffn_gate_exps.weight.lora_b", [2, 6, 2]),
      ("blk.0.ffn_down_exps.weight.lora_a", [6, 2, 2]),
      ("blk.0.ffn_down_exps.weight.lora_b", [2, 8, 2]),
    ]
    return file(keys, halves, [])
  }

  // MARK: - Parts

  /// A tensor of F32, sizes innermost first.
  private typealias Shape = (name: String, sizes: [Int64])

  private static let decoder: [Shape] = [
    ("token_embd.weight", [8, 4]), ("blk.0.attn_norm.weight", [8]),
    ("blk.0.attn_q.weight", [8, 8]),
    ("blk.0.attn_k.weight", [8, 4]), ("blk.0.attn_v.weight", [8, 4]),
    ("blk.0.attn_output.weight", [8, 8]), ("blk.0.ffn_norm.weight", [8]),
    ("blk.0.ffn_gate_inp.weight", [8, 2]), ("output_norm.weight", [8]), ("output.weight", [8, 4]),
  ]

  private static let stacks: [Shape] = [
    ("blk.0.ffn_gate_exps.weight", [8, 6, 2]), ("blk.0.ffn_up_exps.weight", [8, 6, 2]),
    ("blk.0.ffn_down_exps.weight", [6, 8, 2]),
  ]

  private static func llama(_ architecture: String) -> [[UInt8]] {
    [RawGGUF.pair("general.architecture", architecture)] + sizes("llama")
  }

  private static func sizes(_ prefix: String) -> [[UInt8]] {
    let numbers: [(String, UInt32)] = [
      ("block_count", 1), ("context_length", 64), ("embedding_length", 8),
      ("feed_forward_length", 6), ("attention.head_count", 2), ("attention.head_count_kv", 1),
      ("expert_count", 2), ("expert_used_count", 1),
    ]
    let floats: [(String, Float)] = [
      ("rope.freq_base", 10_000), ("attention.layer_norm_rms_epsilon", 1e-5),
    ]
    return numbers.map { RawGGUF.pair("\(prefix).\($0.0)", $0.1) }
      + floats.map { RawGGUF.pair("\(prefix).\($0.0)", 6, .littleEndian($0.1.bitPattern)) }
  }

  private static let vocabulary: [[UInt8]] =
    [RawGGUF.pair("tokenizer.ggml.model", "llama"), RawGGUF.pair("tokenizer.ggml.pre", "default")]
    + tokens(["<unk>", "<s>", "a", "aa"], types: [2, 3, 1, 1]) + [
      RawGGUF.array(
        "tokenizer.ggml.scores",
        of: 6,
        4,
        [0, 0, -1, -2].flatMap { [UInt8].littleEndian(Float($0).bitPattern) }
      ), RawGGUF.pair("tokenizer.ggml.bos_token_id", 1),
      RawGGUF.pair("tokenizer.ggml.add_bos_token", 7, [1]),
      RawGGUF.pair("tokenizer.chat_template", "{{ x }}"),
    ]

  private static let bytePairs: [[UInt8]] =
    [RawGGUF.pair("tokenizer.ggml.model", "gpt2"), RawGGUF.pair("tokenizer.ggml.pre", "qwen2")]
    + tokens(["a", "b", "ab", "<e>"], types: [1, 1, 1, 3]) + [
      RawGGUF.array("tokenizer.ggml.merges", of: 8, 1, RawGGUF.string("a b")),
      RawGGUF.pair("tokenizer.ggml.eos_token_id", 3),
    ]

  private static func tokens(_ tokens: [String], types: [Int32]) -> [[UInt8]] {
    [
      RawGGUF.array(
        "tokenizer.ggml.tokens",
        of: 8,
        UInt64(tokens.count),
        tokens.flatMap { RawGGUF.string($0) }
      ),
      RawGGUF.array(
        "tokenizer.ggml.token_type",
        of: 5,
        UInt64(types.count),
        types.flatMap { [UInt8].littleEndian($0) }
      ),
    ]
  }

  /// A file of these keys, and tensors whose values are all 0.25.
  private static func file(_ keys: [[UInt8]], _ shapes: [Shape], _ vocabulary: [[UInt8]]) -> RawGGUF
  {
    var file = RawGGUF()
    file.keys = keys + vocabulary
    for (name, sizes) in shapes {
      file.tensors.append(RawGGUF.tensor(name, sizes, at: UInt64(file.data.count)))
      for _ in 0..<sizes.reduce(1, *) { file.data += .littleEndian(Float(0.25).bitPattern) }
      while file.data.count % 32 != 0 { file.data.append(0) }
    }
    return file
  }
}
