import Fixtures
import JSON
import SystemPackage
import Tensors
import Testing
import TestSupport

@testable import Checkpoint

@Suite("Tensor roles")
struct TensorRoleTests {
  private func places(_ model: TinyModel) throws -> [String: TensorPlace] {
    let checkpoint = try ModelFolder().open(model)
    return Dictionary(
      uniqueKeysWithValues: zip(checkpoint.tensors.map(\.name), checkpoint.places)
    )
  }

  @Test("every tensor of a Mixtral has its role")
  func mixtral() throws {
    let places = try places(.mixtral())
    #expect(!places.values.contains { $0.role == .other })
    #expect(places["model.embed_tokens.weight"] == TensorPlace(.embedding))
    #expect(places["lm_head.weight"] == TensorPlace(.output))
    #expect(places["model.norm.weight"] == TensorPlace(.finalNorm))
    let layer = "model.layers.1"
    let expected: [String: TensorPlace] = [
      "input_layernorm.weight": TensorPlace(.attentionNorm, layer: 1),
      "post_attention_layernorm.weight": TensorPlace(.mlpNorm, layer: 1),
      "self_attn.q_proj.weight": TensorPlace(.attentionQuery, layer: 1),
      "self_attn.k_proj.weight": TensorPlace(.attentionKey, layer: 1),
      "self_attn.v_proj.weight": TensorPlace(.attentionValue, layer: 1),
      "self_attn.o_proj.weight": TensorPlace(.attentionOutput, layer: 1),
      "block_sparse_moe.gate.weight": TensorPlace(.router, layer: 1),
      "block_sparse_moe.experts.3.w1.weight": TensorPlace(.expertGate, layer: 1, expert: 3),
      "block_sparse_moe.experts.3.w3.weight": TensorPlace(.expertUp, layer: 1, expert: 3),
      "block_sparse_moe.experts.3.w2.weight": TensorPlace(.expertDown, layer: 1, expert: 3),
    ]
    for (name, place) in expected { #expect(places["\(layer).\(name)"] == place, "\(name)") }
  }

  @Test("every tensor of a Qwen2-MoE has its role")
  func qwen() throws {
    let places = try places(.qwen2MoE(moeLayers: [1]))
    #expect(!places.values.contains { $0.role == .other })
    let expected: [String: TensorPlace] = [
      "0.mlp.gate_proj.weight": TensorPlace(.mlpGate, layer: 0),
      "0.mlp.up_proj.weight": TensorPlace(.mlpUp, layer: 0),
      "0.mlp.down_proj.weight": TensorPlace(.mlpDown, layer: 0),
      "0.self_attn.q_proj.bias": TensorPlace(.attentionQueryBias, layer: 0),
      "0.self_attn.k_proj.bias": TensorPlace(.attentionKeyBias, layer: 0),
      "0.self_attn.v_proj.bias": TensorPlace(.attentionValueBias, layer: 0),
      "1.mlp.gate.weight": TensorPlace(.router, layer: 1),
      "1.mlp.shared_expert.gate_proj.weight": TensorPlace(.sharedGate, layer: 1),
      "1.mlp.shared_expert.up_proj.weight": TensorPlace(.sharedUp, layer: 1),
      "1.mlp.shared_expert.down_proj.weight": TensorPlace(.sharedDown, layer: 1),
      "1.mlp.shared_expert_gate.weight": TensorPlace(.sharedExpertGate, layer: 1),
      "1.mlp.experts.2.gate_proj.weight": TensorPlace(.expertGate, layer: 1, expert: 2),
      "1.mlp.experts.2.up_proj.weight": TensorPlace(.expertUp, layer: 1, expert: 2),
      "1.mlp.experts.2.down_proj.weight": TensorPlace(.expertDown, layer: 1, expert: 2),
    ]
    for (name, place) in expected { #expect(places["model.layers.\(name)"] == place, "\(name)") }
  }

  @Test("a place and its name say the same in both directions")
  func bothWays() throws {
    for model in [TinyModel.mixtral(), .qwen2MoE(moeLayers: [1])] {
      let checkpoint = try ModelFolder().open(model)
      let names = try #require(checkpoint.names)
      for (tensor, place) in zip(checkpoint.tensors, checkpoint.places) {
        #expect(names.name(of: place) == tensor.name)
        #expect(names.place(of: tensor.name) == place)
      }
    }
  }

  @Test(
    "a name that is only like one has no role",
    arguments: [
      "model.layers.01.input_layernorm.weight", "model.layers.-1.input_layernorm.weight",
      "model.layers.+1.input_layernorm.weight", "model.layers..input_layernorm.weight",
      "layers.1.input_layernorm.weight", "model.layers.1.input_layernorm.weight.1",
      "model.layers.#.input_layernorm.weight", "model.layers.1.input_layernorm.weight ",
      "model.layers.99999999999999999999.input_layernorm.weight", "", ".", "#",
      "model.layers.1.block_sparse_moe.experts.x.w1.weight", "model.norm.bias",
      "Model.norm.weight", "model.layers.1.mlp.experts.0.1.gate_proj.weight",
    ]
  )
  func strange(name: String) {
    #expect(Mixtral().names.place(of: name).role == .other)
    #expect(Qwen2MoE().names.place(of: name).role == .other)
  }

  @Test("a tensor without a role still knows its layer")
  func layer() {
    let place = Mixtral().names.place(of: "model.layers.7.self_attn.rotary_emb.inv_freq")
    #expect(place == TensorPlace(.other, layer: 7))
  }

  @Test("labels are the words of the interface")
  func labels() {
    let words: Set = [
      "embedding", "output", "norm", "attention.query", "attention.key", "attention.value",
      "attention.output", "attention.query.bias", "attention.key.bias", "attention.value.bias",
      "attention.output.bias", "router", "router.bias", "expert.gate", "expert.up", "expert.down",
      "expert.gateUp", "shared.gate", "shared.up", "shared.down", "sharedGate", "mlp.gate",
      "mlp.up",
      "mlp.down", "other",
    ]
    #expect(Set(TensorRole.allCases.map(\.label)) == words)
  }

  @Test("the trained fixtures are complete", arguments: ["tiny-mixtral", "micro-qwen2moe"])
  func fixtures(name: String) throws {
    let path = try #require(Fixtures.find("models/\(name)"))
    let checkpoint = try Checkpoint(path)
    try checkpoint.requireComplete()
    #expect(!checkpoint.places.contains { $0.role == .other })
    #expect(checkpoint.warnings == [])
  }
}
