import TestSupport
import Tensors

extension BadInput {
  /// A model one of whose values is no finite number.
  private static func weight(
    _ tensor: String,
    element: Int,
    at place: String,
    of model: @autoclosure @escaping @Sendable () -> TinyModel,
    _ type: ElementType
  ) -> BadInput {
    BadInput("\(tensor) \(type.name) at \(place)", saying: tensor, place, "not a finite number") {
      workplace in
      var model = model()
      guard let index = model.tensors.firstIndex(where: { $0.name == tensor }) else { return [] }
      if type == .f32 {
        model.tensors[index].bytes.put(Float.nan.bitPattern, at: 4 * element)
      } else {
        model.tensors[index].bytes.put(UInt16(0xFF80), at: 2 * element)
      }
      try workplace.write(model)
      // Ids without 15, so that the last row of the embedding is never looked up.
      try workplace.writeIDs((0..<128).map { $0 * 7 % 15 })
      let dense = ["--prune", "0", "--rank-keep", "dense"]
      return [workplace.compress(), workplace.compress() + dense]
    }
  }

  private static let mixtral = "model.layers.1.block_sparse_moe."

  /// Values that are infinite or no numbers, in every kind of tensor that compress reads or copies.
  static let weights: [BadInput] = [
    weight("model.embed_tokens.weight", element: 127, at: "[15, 7]", of: .mixtral(), .bf16),
    weight("lm_head.weight", element: 9, at: "[1, 1]", of: .mixtral(), .bf16),
    weight("lm_head.weight", element: 9, at: "[1, 1]", of: .mixtral(type: .f32), .f32),
    weight("model.norm.weight", element: 3, at: "[3]", of: .mixtral(), .bf16),
    weight("model.layers.1.input_layernorm.weight", element: 0, at: "[0]", of: .mixtral(), .bf16),
    weight(
      "model.layers.0.post_attention_layernorm.weight",
      element: 7,
      at: "[7]",
      of: .mixtral(),
      .bf16
    ),
    weight(
      "model.layers.0.self_attn.q_proj.weight",
      element: 8,
      at: "[1, 0]",
      of: .mixtral(),
      .bf16
    ),
    weight(
      "model.layers.1.self_attn.o_proj.weight",
      element: 63,
      at: "[7, 7]",
      of: .mixtral(),
      .bf16
    ),
    weight("model.layers.0.self_attn.k_proj.bias", element: 0, at: "[0]", of: .qwen2MoE(), .bf16),
    weight("\(mixtral)gate.weight", element: 31, at: "[3, 7]", of: .mixtral(), .bf16),
    weight("\(mixtral)experts.0.w1.weight", element: 47, at: "[5, 7]", of: .mixtral(), .bf16),
    weight("\(mixtral)experts.3.w2.weight", element: 0, at: "[0, 0]", of: .mixtral(), .bf16),
    weight(
      "\(mixtral)experts.2.w3.weight",
      element: 1,
      at: "[0, 1]",
      of: .mixtral(type: .f32),
      .f32
    ),
    weight(
      "model.layers.0.mlp.shared_expert.up_proj.weight",
      element: 0,
      at: "[0, 0]",
      of: .qwen2MoE(),
      .bf16
    ),
    weight(
      "model.layers.0.mlp.shared_expert_gate.weight",
      element: 7,
      at: "[0, 7]",
      of: .qwen2MoE(),
      .bf16
    ),
    BadInput("a tensor that is copied, not used", saying: "extra", "[1]") { place in
      var model = TinyModel.mixtral()
      model.tensors.append(RawTensor("extra", .f32, [2], values: [0, .infinity]))
      try place.write(model)
      return [place.compress() + ["--ignore", "extra"]]
    },
  ]
}
