import JSON
import SystemPackage
import Tensors
import Testing
import TestSupport

@testable import Checkpoint

@Suite("Model configuration")
struct ConfigurationTests {
  private let models: ModelFolder

  init() throws { models = try ModelFolder() }

  // MARK: - Reading

  @Test("a Mixtral reads as its configuration says")
  func mixtral() throws {
    let c = try models.configuration(.mixtral())
    #expect(c.modelType == "mixtral" && c.hiddenSize == 8 && c.layerCount == 2)
    #expect(c.headCount == 2 && c.keyValueHeadCount == 1 && c.headDimension == 4)
    #expect(c.moeLayers == [0, 1] && c.expertCount == 4 && c.topK == 2 && c.expertWidth == 6)
    #expect(c.normalizesTopK && !c.hasAttentionBias && c.sharedExpertWidth == nil)
    #expect(c.normEpsilon == 1e-5 && c.rope == RotaryConfiguration(theta: 10000, factor: 1))
    #expect(c.slidingWindow == [nil, nil] && !c.isTied && c.vocabularySize == 16)
    #expect(c.expertCountKey == "num_local_experts" && c.topKKey == "num_experts_per_tok")
  }

  @Test("a Qwen2-MoE reads as its configuration says")
  func qwen() throws {
    let c = try models.configuration(.qwen2MoE())
    #expect(c.modelType == "qwen2_moe" && c.moeLayers == [0, 1] && c.expertCount == 4)
    #expect(c.expertWidth == 6 && c.denseWidth == 10 && c.sharedExpertWidth == 12)
    #expect(c.hasSharedExpertGate && c.hasAttentionBias && !c.normalizesTopK)
    #expect(c.normEpsilon == 1e-6 && c.expertCountKey == "num_experts")
    let normalized = try models.configuration(.qwen2MoE().with([("norm_topk_prob", true)]))
    #expect(normalized.normalizesTopK)
  }

  @Test("what a configuration leaves out is the family's default")
  func defaults() throws {
    let bare = TinyModel.mixtral().with([
      ("rms_norm_eps", nil), ("rope_theta", nil), ("sliding_window", nil), ("hidden_act", nil),
      ("tie_word_embeddings", nil), ("num_key_value_heads", nil), ("max_position_embeddings", nil),
    ])
    let c = try models.configuration(bare)
    #expect(c.rope.theta == 1e6 && c.normEpsilon == 1e-5 && c.keyValueHeadCount == 2)
    #expect(!c.isTied)
    let qwen = TinyModel.qwen2MoE().with([
      ("rope_theta", nil), ("decoder_sparse_step", nil), ("mlp_only_layers", nil),
      ("norm_topk_prob", nil), ("use_sliding_window", nil), ("intermediate_size", nil),
    ])
    let q = try models.configuration(qwen)
    #expect(q.rope.theta == 10000 && q.moeLayers == [0, 1] && q.denseWidth == 5632)
    #expect(q.slidingWindow == [nil, nil] && !q.normalizesTopK)
  }

  @Test("null is as good as nothing")
  func null() throws {
    let model = TinyModel.mixtral().with([
      ("head_dim", nil as JSONValue?), ("rope_scaling", JSONValue.null),
      ("rope_parameters", JSONValue.null), ("num_key_value_heads", JSONValue.null),
      ("hidden_act", JSONValue.null), ("rope_theta", JSONValue.null),
    ])
    let c = try models.configuration(model)
    #expect(c.headDimension == 4 && c.keyValueHeadCount == 2 && c.rope.theta == 1e6)
  }

  @Test("whole numbers may be written as floats")
  func floats() throws {
    let model = TinyModel.mixtral().with([
      ("hidden_size", .number("8.0")), ("rope_theta", .number("1e4")),
    ])
    let c = try models.configuration(model)
    #expect(c.hiddenSize == 8 && c.rope.theta == 10000)
  }

  @Test("transformers 5 puts rotary settings into rope_parameters")
  func ropeParameters() throws {
    let new = TinyModel.mixtral().with([
      ("rope_theta", nil), ("rope_parameters", ["rope_theta": 5000, "rope_type": "default"]),
    ])
    #expect(try models.configuration(new).rope == RotaryConfiguration(theta: 5000, factor: 1))
    let linear = TinyModel.mixtral().with([
      ("rope_parameters", ["rope_theta": 5000, "rope_type": "linear", "factor": .number("2.5")])
    ])
    #expect(try models.configuration(linear).rope == RotaryConfiguration(theta: 5000, factor: 2.5))
  }

  @Test("older releases put them beside and into rope_scaling", arguments: ["type", "rope_type"])
  func ropeScaling(key: String) throws {
    let model = TinyModel.mixtral().with([("rope_scaling", ["factor": 4, "other": 1])])
    #expect(try models.configuration(model).rope.factor == 1)
    let linear = TinyModel.mixtral().with([
      ("rope_scaling", .object(JSONObject([(key, "linear"), ("factor", 4)]) ?? JSONObject()))
    ])
    #expect(try models.configuration(linear).rope == RotaryConfiguration(theta: 10000, factor: 4))
  }

  @Test("num_experts will do for a Mixtral")
  func otherExpertKey() throws {
    let model = TinyModel.mixtral().with([("num_local_experts", nil), ("num_experts", 4)])
    let c = try models.configuration(model)
    #expect(c.expertCount == 4 && c.expertCountKey == "num_experts")
  }

  // MARK: - Layers with experts

  @Test(
    "decoder_sparse_step and mlp_only_layers say which layers have experts",
    arguments: [
      (1, [], [0, 1, 2, 3]), (2, [], [1, 3]), (3, [], [2]), (4, [], [3]), (5, [], []),
      (1, [0], [1, 2, 3]), (1, [1, 2], [0, 3]), (2, [3], [1]), (2, [0, 2], [1, 3]),
      (1, [0, 1, 2, 3], []), (1, [9], [0, 1, 2, 3]),
    ] as [(Int, [Int], [Int])]
  )
  func sparseLayers(step: Int, dense: [Int], expected: [Int]) throws {
    let model = TinyModel.qwen2MoE(moeLayers: expected, layers: 4).with([
      ("decoder_sparse_step", JSONValue(step)), ("mlp_only_layers", JSONValue(dense)),
    ])
    let checkpoint = try models.open(model)
    #expect(try checkpoint.requireConfiguration().moeLayers == expected)
    try checkpoint.requireComplete()
    #expect(checkpoint.keptExperts.keys.sorted() == expected)
  }

  // MARK: - Sliding windows

  @Test("a Mixtral's window holds for every layer")
  func mixtralWindow() throws {
    let model = TinyModel.mixtral().with([("sliding_window", 32)])
    #expect(try models.configuration(model).slidingWindow == [32, 32])
  }

  @Test("a Qwen's window holds where its configuration says, and only if it is used")
  func qwenWindow() throws {
    let base = TinyModel.qwen2MoE(moeLayers: [0, 1, 2], layers: 3).with([("sliding_window", 32)])
    #expect(try models.configuration(base).slidingWindow == [nil, nil, nil])
    let used = base.with([("use_sliding_window", true)])
    #expect(try models.configuration(used).slidingWindow == [32, nil, 32])
    let below = used.with([("max_window_layers", 2)])
    #expect(try models.configuration(below).slidingWindow == [32, nil, nil])
    let types = used.with([
      ("layer_types", ["full_attention", "sliding_attention", "full_attention"])
    ])
    #expect(try models.configuration(types).slidingWindow == [nil, 32, nil])
    try models.expectRefused("layer_types", used.with([("layer_types", ["full_attention"])]))
  }

  // MARK: - Refusals

  @Test(
    "a value that cannot be is refused by its key",
    arguments: [
      ("hidden_size", nil), ("hidden_size", 0), ("hidden_size", -8), ("hidden_size", "8"),
      ("hidden_size", .number("8.5")), ("hidden_size", .number("1e30")), ("num_hidden_layers", 0),
      ("num_hidden_layers", nil), ("num_hidden_layers", 5000), ("num_attention_heads", 3),
      ("num_attention_heads", nil), ("num_attention_heads", [2]), ("num_key_value_heads", 3),
      ("num_key_value_heads", 0), ("num_local_experts", nil), ("num_local_experts", 0),
      ("num_local_experts", true), ("num_experts_per_tok", nil), ("num_experts_per_tok", 0),
      ("num_experts_per_tok", 5), ("intermediate_size", nil), ("intermediate_size", 0),
      ("vocab_size", nil), ("vocab_size", 0), ("rms_norm_eps", 0), ("rms_norm_eps", "tiny"),
      ("rms_norm_eps", .number("1e999")), ("rope_theta", -1), ("rope_theta", "x"),
      ("hidden_act", "gelu"), ("hidden_act", 1), ("sliding_window", -1), ("sliding_window", "no"),
      ("tie_word_embeddings", 1), ("tie_word_embeddings", "false"), ("head_dim", 3),
      ("head_dim", 0),
      ("rope_scaling", "linear"), ("rope_scaling", [1]), ("rope_parameters", 1),
    ] as [(String, JSONValue?)]
  )
  func mixtralRefused(key: String, value: JSONValue?) throws {
    try models.expectRefused(
      key == "num_local_experts" && value == nil ? "num_local_experts" : key,
      TinyModel.mixtral().with([(key, value)])
    )
  }

  @Test(
    "a value that a Qwen cannot have is refused by its key",
    arguments: [
      ("decoder_sparse_step", 0), ("decoder_sparse_step", "1"), ("mlp_only_layers", 1),
      ("mlp_only_layers", [-1]), ("mlp_only_layers", ["0"]), ("mlp_only_layers", [nil]),
      ("norm_topk_prob", 1), ("qkv_bias", "yes"), ("num_experts", nil), ("num_experts", 1),
      ("moe_intermediate_size", 0), ("shared_expert_intermediate_size", 0),
      ("use_sliding_window", "false"), ("intermediate_size", -1),
    ] as [(String, JSONValue?)]
  )
  func qwenRefused(key: String, value: JSONValue?) throws {
    // One expert is too few for a top-k of two, which is then the key to name.
    try models.expectRefused(
      key == "num_experts" && value == 1 ? "num_experts_per_tok" : key,
      TinyModel.qwen2MoE().with([(key, value)])
    )
  }

  @Test("rotary types that are not understood are refused")
  func ropeTypes() throws {
    for type in ["yarn", "dynamic", "llama3", "longrope", ""] {
      try models.expectRefused(
        "rope_scaling.rope_type",
        TinyModel.mixtral().with([("rope_scaling", ["type": .string(type), "factor": 2])])
      )
      try models.expectRefused(
        "rope_parameters.rope_type",
        TinyModel.mixtral().with([("rope_parameters", ["rope_type": .string(type)])])
      )
    }
    try models.expectRefused(
      "rope_scaling.rope_type",
      TinyModel.mixtral().with([("rope_scaling", ["type": 1])])
    )
    try models.expectRefused(
      "rope_scaling.factor",
      TinyModel.mixtral().with([("rope_scaling", ["type": "linear"])])
    )
    try models.expectRefused(
      "rope_scaling.factor",
      TinyModel.mixtral().with([("rope_scaling", ["type": "linear", "factor": -2])])
    )
  }

  @Test("a family that is not known is said to be so, and its tensors are listed all the same")
  func unknownFamily() throws {
    for type in ["deepseek_v3", nil] {
      let checkpoint = try models.open(
        TinyModel.mixtral().with([("model_type", type.map { .string($0) })])
      )
      guard case .unsupported(_, let reason) = checkpoint.problem else {
        Issue.record("another problem: \(String(describing: checkpoint.problem))")
        return
      }
      #expect(reason.contains(type ?? "(none)") && reason.contains("mixtral, qwen2_moe"))
      #expect(checkpoint.tensors.count == TinyModel.mixtral().tensors.count)
      #expect(checkpoint.places.allSatisfy { $0.role == .other })
    }
  }

  @Test(
    "a config.json that does not parse is refused with its place",
    arguments: ["", "{", "{\"a\":1,\"a\":2}", "{\"hidden_size\": 8,}", "version https://git-lfs"]
  )
  func malformed(text: String) throws {
    try TinyModel.mixtral().write(to: models.folder, at: "model")
    try models.folder.write(text, to: "model/config.json")
    let error = #expect(throws: CheckpointError.self) {
      try Checkpoint(models.folder("model").string)
    }
    guard case .malformedFile(let file, let reason) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(file.hasSuffix("model/config.json") && reason.hasPrefix("byte "))
  }
}
