import JSON
import SystemPackage
import Tensors
import Testing
import TestSupport

@testable import Checkpoint

/// Weights and configuration must belong together, tensor by tensor.
@Suite("Coverage")
struct CoverageTests {
  private let models: ModelFolder

  init() throws { models = try ModelFolder() }

  private func refusal(
    _ model: TinyModel,
    ignoring: (String) -> Bool = { _ in false }
  ) throws -> CheckpointError? {
    let checkpoint = try models.open(model)
    do {
      try checkpoint.requireComplete(ignoring: ignoring)
      return nil
    } catch { return error as? CheckpointError }
  }

  private func unexplained(_ error: CheckpointError?) -> [String]? {
    if case .unexplainedTensors(_, let names, _) = error { names } else { nil }
  }

  private static let families = [TinyModel.mixtral(), .qwen2MoE(), .qwen2MoE(moeLayers: [1])]

  @Test("a whole model is complete, in one file and in shards")
  func complete() throws {
    for model in CoverageTests.families {
      for shards in [1, 3] { try models.open(model, shards: shards).requireComplete() }
    }
  }

  @Test("any tensor that is missing is named")
  func missing() throws {
    for model in CoverageTests.families {
      for tensor in model.tensors {
        var less = model
        less.remove(tensor.name)
        let error = try refusal(less)
        guard case .missingTensors(_, let names, 1) = error else {
          Issue.record("\(tensor.name): \(String(describing: error))")
          continue
        }
        #expect(names == [tensor.name])
      }
    }
  }

  @Test("any tensor of another shape is named with both shapes")
  func wrongShape() throws {
    for model in CoverageTests.families {
      for (index, tensor) in model.tensors.enumerated() {
        var other = model
        other.tensors[index].shape.reverse()
        other.tensors[index].shape.append(1)
        let error = try refusal(other)
        #expect(
          error
            == .wrongShape(
              path: models.folder("model"),
              tensor: tensor.name,
              expected: tensor.shape,
              got: other.tensors[index].shape
            )
        )
      }
    }
  }

  @Test("a type that cannot be computed with is named", arguments: ["I16", "U8", "X2"])
  func wrongType(name: String) throws {
    var model = TinyModel.mixtral()
    model.tensors[0].type = ElementType(name: name)
    let size = name == "U8" ? 128 : 256
    model.tensors[0].bytes = Array(model.tensors[0].bytes[..<size])
    guard case .wrongType(_, let tensor, let reason) = try refusal(model) else {
      Issue.record("accepted")
      return
    }
    #expect(tensor == model.tensors[0].name && reason.contains(name))
  }

  @Test("a tensor without a role is refused unless it is ignored")
  func strange() throws {
    var model = TinyModel.mixtral()
    model.tensors.append(RawTensor("visual.patch.weight", .f32, [1], values: [1]))
    #expect(unexplained(try refusal(model)) == ["visual.patch.weight"])
    #expect(try refusal(model) { $0.hasPrefix("visual.") } == nil)
  }

  @Test("buffers of old exports are known and passed over")
  func buffers() throws {
    var model = TinyModel.mixtral()
    for name in ["self_attn.rotary_emb.inv_freq", "self_attn.masked_bias"] {
      model.tensors.append(RawTensor("model.layers.0.\(name)", .f32, [1], values: [1]))
    }
    #expect(try refusal(model) == nil)
  }

  @Test("a bias that the configuration does not call for would change the result, so it is refused")
  func strayBias() throws {
    for name in ["q_proj", "k_proj", "v_proj", "o_proj"] {
      var model = TinyModel.mixtral()
      let bias = "model.layers.0.self_attn.\(name).bias"
      model.tensors.append(RawTensor(bias, .f32, [name == "q_proj" ? 8 : 4], values: []))
      model.tensors[model.tensors.count - 1].shape = [0]
      #expect(unexplained(try refusal(model)) == [bias])
    }
    let qwen = TinyModel.qwen2MoE().with([("qkv_bias", false)])
    #expect(unexplained(try refusal(qwen))?.first?.hasSuffix(".bias") ?? false)
  }

  @Test("an expert past the configuration's count is refused, also if ignored")
  func strayExpert() throws {
    let model = TinyModel.mixtral().with([("num_local_experts", 3)])
    var cut = model
    for layer in 0..<2 {
      let name = "model.layers.\(layer).block_sparse_moe.gate.weight"
      guard let router = cut[name] else { continue }
      cut.remove(name)
      cut.tensors.append(RawTensor(name, router.type, [3, 8], Array(router.bytes[..<48])))
    }
    for ignores in [false, true] {
      let names = unexplained(try refusal(cut) { _ in ignores })
      #expect(names?.allSatisfy { $0.contains("experts.3.") } ?? false)
    }
  }

  @Test("a layer past the configuration's count is refused")
  func strayLayer() throws {
    let names = unexplained(
      try refusal(TinyModel.mixtral().with([("num_hidden_layers", 1)]))
    )
    #expect(names?.allSatisfy { $0.hasPrefix("model.layers.1.") } ?? false)
  }

  @Test("a dense feed-forward where experts should be is refused, and the other way round")
  func otherKind() throws {
    let dense = TinyModel.qwen2MoE(moeLayers: [1])
    guard case .missingTensors = try refusal(dense.with([("mlp_only_layers", [])])) else {
      Issue.record("experts were not missed")
      return
    }
    var both = TinyModel.qwen2MoE(moeLayers: [1]).with([("mlp_only_layers", [0])])
    #expect(try refusal(both) == nil)
    both.tensors.append(
      RawTensor("model.layers.1.mlp.gate_proj.weight", .f32, [1], values: [1])
    )
    #expect(unexplained(try refusal(both)) == ["model.layers.1.mlp.gate_proj.weight"])
  }

  // MARK: - Tied output

  @Test("a tied output may be absent or the embedding once more, and nothing else")
  func tied() throws {
    var model = TinyModel.mixtral().with([("tie_word_embeddings", true)])
    #expect(try refusal(model) == .tiedOutputDiffers(path: models.folder("model")))
    let embedding = try #require(model["model.embed_tokens.weight"])
    model.remove("lm_head.weight")
    #expect(try refusal(model) == nil)
    var copy = embedding
    copy.name = "lm_head.weight"
    model.tensors.append(copy)
    #expect(try refusal(model) == nil)
    let last = model.tensors.count - 1
    model.tensors[last].bytes[255] ^= 1
    #expect(try refusal(model) == .tiedOutputDiffers(path: models.folder("model")))
    model.tensors[last] = RawTensor(
      "lm_head.weight",
      .f32,
      [16, 8],
      values: Array(repeating: 1, count: 128)
    )
    #expect(try refusal(model) == .tiedOutputDiffers(path: models.folder("model")))
  }

  @Test("an output that is not tied must be there")
  func untied() throws {
    var model = TinyModel.mixtral()
    model.remove("lm_head.weight")
    guard case .missingTensors(_, ["lm_head.weight"], 1) = try refusal(model) else {
      Issue.record("accepted")
      return
    }
  }

  // MARK: - Values

  @Test("values that are no numbers are refused when they are read")
  func notFinite() throws {
    var model = TinyModel.mixtral(type: .f32)
    for (pattern, isFine) in [
      (UInt32(0x7F80_0000), false), (0xFFC0_0000, false), (0x7F7F_FFFF, true),
    ] {
      model.tensors[0].bytes.put(pattern, at: 4 * 100)
      let checkpoint = try models.open(model)
      var values = [Float](repeating: 0, count: 128)
      let error = CheckpointError.notFinite(
        path: models.folder("model"),
        tensor: "lm_head.weight",
        element: [12, 4]
      )
      if isFine {
        try values.withUnsafeMutableBufferPointer { try checkpoint.widen(tensor: 0, into: $0) }
        #expect(values[100] == .greatestFiniteMagnitude)
      } else {
        #expect(throws: error) {
          try values.withUnsafeMutableBufferPointer { try checkpoint.widen(tensor: 0, into: $0) }
        }
      }
    }
  }
}
