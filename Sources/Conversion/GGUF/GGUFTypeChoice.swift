internal import Checkpoint
internal import Tensors

/// Which tensor of a GGUF file gets which element type, as llama.cpp's tools choose.
///
/// Sources: `conversion/base.py`, `prepare_tensors` (what stays F32); `llama-quant.cpp`,
/// `tensor_allows_quantization`, `llama_tensor_get_type_impl` (mixes) and `tensor_type_fallback`
/// (rows that blocks do not fill).
struct GGUFTypeChoice {
  /// What decides besides the tensor itself.
  struct Model {
    /// Decoder layers.
    var layers: Int
    /// Routed experts per layer.
    var experts: Int
    /// Query heads per key and value head.
    var headsPerKeyValueHead: Int
    /// Whether the output uses the embedding.
    var isTied: Bool
  }

  let model: Model
  /// nil: every tensor keeps its own.
  let fileType: GGUFFileType?
  let overrides: [(matches: @Sendable (String) -> Bool, type: ElementType)]
  /// Whether there are importance weights, which change some choices.
  let hasImportance: Bool

  /// The type of a tensor.
  ///
  /// - Parameters:
  ///   - name: Its name in the GGUF file.
  ///   - shape: Its shape, outermost first.
  ///   - source: The type it has.
  /// - Returns: The type it gets, and where its rows do not fill the blocks of the one it should get,
  ///   that one.
  func choose(name: String, shape: [Int], source: ElementType) -> (
    type: ElementType, unfilled: ElementType?
  ) {
    let wanted = wanted(name: name, shape: shape, source: source)
    let type = GGUFTypeChoice.fallback(wanted, columns: shape.last ?? 1)
    return (type, type == wanted ? nil : wanted)
  }

  private func wanted(name: String, shape: [Int], source: ElementType) -> ElementType {
    guard GGUFTypeChoice.isQuantised(name, shape) else {
      return GGUFTypeChoice.staysAsItIs(source) ? source : .f32
    }
    if let override = overrides.first(where: { $0.matches(name) }) { return override.type }
    guard let fileType else { return GGUFTypeChoice.own(source) }
    guard fileType.isMix else { return fileType.type }
    return mixed(
      fileType,
      GGUFTensorCategory(name),
      layer: GGUFTypeChoice.layer(of: name),
      shape.last ?? 1
    )
  }

  /// Vectors, norms, routers and whatever is no weight are F32: llama.cpp computes with nothing else
  /// there.
  static func isQuantised(_ name: String, _ shape: [Int]) -> Bool {
    shape.count > 1 && name.hasSuffix(".weight") && !name.contains("_norm.weight")
      && !unquantised.contains { name.contains($0) }
  }

  /// Parts of the names of small or delicate weights, of any family's.
  private static let unquantised = [
    "ffn_gate_inp", "altup", "laurel", "per_layer_model_proj", "position_embd.weight",
    "token_types.weight", "ssm_conv1d", "shortconv.conv.weight", "time_mix_first.weight",
    "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight",
    "time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight",
    "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
    "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
  ]

  /// Types that are no floats, as tables of numbers, are not touched.
  private static func staysAsItIs(_ type: ElementType) -> Bool { !type.isComputable }

  /// The type that a weight keeps: its own if ggml has it and llama.cpp computes with it.
  static func own(_ source: ElementType) -> ElementType {
    if source == .f64 { return .f32 }
    return source.ggmlID == nil ? .bf16 : source
  }

  /// The next type for rows that the blocks do not fill.
  static func fallback(_ type: ElementType, columns: Int) -> ElementType {
    guard columns % type.blockElements != 0 else { return type }
    let next: ElementType =
      switch type {
      case .iq4_xs: .iq4_nl
      case .q2_k, .q3_k, .tq1_0, .tq2_0: .q4_0
      case .q4_k: .q5_0
      case .q5_k: .q5_1
      case .q6_k: .q8_0
      default: .f16
      }
    return columns % next.blockElements == 0 ? next : .f16
  }

  private static func layer(of name: String) -> Int {
    let parts = name.split(separator: ".")
    return parts.count > 1 && parts[0] == "blk" ? Int(parts[1]) ?? 0 : 0
  }

  // MARK: - Mixes

  private func usesMoreBits(_ layer: Int) -> Bool {
    let n = model.layers
    return layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2
  }

  private func mixed(
    _ mix: GGUFFileType,
    _ category: GGUFTensorCategory,
    layer: Int,
    _ columns: Int
  ) -> ElementType {
    let name = mix.name
    let role = category.role
    let isOutput = role == .output || (model.isTied && role == .embedding)
    if name == "MXFP4_MOE" { return category.isExpert ? .mxfp4 : .q8_0 }
    if isOutput { return columns % mix.type.blockElements != 0 ? .q8_0 : .q6_k }
    switch role {
    case .embedding: return ["TQ1_0", "TQ2_0"].contains(name) ? .q4_k : mix.type
    case .attentionValue: return value(mix, layer)
    case .attentionKey: return model.experts == 8 ? .q8_0 : mix.type
    case .attentionQueryKeyValue: return queryKeyValue(mix)
    case .down: return down(mix, layer)
    case .attentionOutput: return attentionOutput(mix)
    case .output, .other: return mix.type
    }
  }

  private func value(_ mix: GGUFFileType, _ layer: Int) -> ElementType {
    // For 8 experts, as Mixtral has, the attention is a small part of the model.
    if model.experts == 8 { return .q8_0 }
    let isGrouped = model.headsPerKeyValueHead >= 4
    return switch mix.name {
    case "Q2_K": isGrouped ? .q4_k : .q3_k
    case "Q2_K_S": isGrouped ? .q4_k : mix.type
    case "Q3_K_M": layer < 2 ? .q5_k : .q4_k
    case "Q3_K_L": .q5_k
    case "IQ4_NL", "IQ4_XS": isGrouped ? .q5_k : mix.type
    case "Q4_K_M", "Q5_K_M": usesMoreBits(layer) ? .q6_k : mix.type
    case "Q4_K_S": layer < 4 ? .q5_k : mix.type
    default: mix.type
    }
  }

  private func queryKeyValue(_ mix: GGUFFileType) -> ElementType {
    switch mix.name {
    case "Q3_K_M", "Q3_K_L": .q4_k
    case "Q4_K_M": .q5_k
    case "Q5_K_M": .q6_k
    default: mix.type
    }
  }

  private func down(_ mix: GGUFFileType, _ layer: Int) -> ElementType {
    let isEarly = layer < model.layers / 8
    return switch mix.name {
    case "Q2_K": .q3_k
    case "Q2_K_S": isEarly ? .q4_k : mix.type
    case "Q3_K_M": layer < model.layers / 16 ? .q5_k : .q4_k
    case "Q3_K_L": .q5_k
    case "Q4_K_M", "Q5_K_M": usesMoreBits(layer) ? .q6_k : mix.type
    case "Q4_K_S": isEarly ? .q5_k : mix.type
    case "IQ4_NL", "IQ4_XS": isEarly && !hasImportance ? .q5_k : mix.type
    case "Q4_0": isEarly && hasImportance ? .q4_1 : mix.type
    case "Q5_0": isEarly && hasImportance ? .q5_1 : mix.type
    default: mix.type
    }
  }

  private func attentionOutput(_ mix: GGUFFileType) -> ElementType {
    if model.experts == 8 {
      return ["Q2_K", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S", "Q4_K_M", "IQ4_XS"]
        .contains(mix.name) ? .q5_k : mix.type
    }
    return switch mix.name {
    case "Q2_K": .q3_k
    case "Q3_K_M": .q4_k
    case "Q3_K_L": .q5_k
    default: mix.type
    }
  }
}

/// The kinds of tensors that mixes tell apart, by their names.
struct GGUFTensorCategory {
  /// A kind.
  enum Role {
    case embedding, output, attentionValue, attentionKey, attentionQueryKeyValue, attentionOutput,
      down, other
  }

  let role: Role
  /// Whether it is a stack of experts, of whatever kind.
  let isExpert: Bool

  init(_ name: String) {
    isExpert = name.contains("_exps.")
    role =
      switch name {
      case "output.weight": .output
      case "token_embd.weight": .embedding
      case _ where name.contains("attn_v.weight"): .attentionValue
      case _ where name.contains("attn_k.weight"): .attentionKey
      case _ where name.contains("attn_qkv.weight"): .attentionQueryKeyValue
      case _ where name.contains("attn_output.weight"): .attentionOutput
      case _ where name.contains("ffn_down"): .down
      default: .other
      }
  }
}
