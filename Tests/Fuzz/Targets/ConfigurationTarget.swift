internal import Checkpoint
internal import Conversion
internal import Inference
internal import JSON
internal import LinearAlgebra
internal import Storage
internal import SystemPackage
internal import Tensors
package import TestSupport

/// `config.json` beside the weights of a tiny model of each family.
package final class ConfigurationTarget: FuzzTarget {
  package static let name = "configuration"
  package let seeds: [[UInt8]]

  private let scratch: Scratch
  private let json = JSONMutation(
    words: [
      "mixtral", "qwen2_moe", "llama", "silu", "swish", "gelu", "default", "linear", "yarn",
      "rope_type", "type", "factor", "rope_theta", "rope_parameters", "rope_scaling", "head_dim",
      "hidden_size", "num_hidden_layers", "num_experts", "num_local_experts", "num_experts_per_tok",
      "num_attention_heads", "num_key_value_heads", "mlp_only_layers", "decoder_sparse_step",
      "sliding_window", "use_sliding_window", "layer_types", "sliding_attention",
      "max_window_layers", "tie_word_embeddings", "vocab_size", "rms_norm_eps", "norm_topk_prob",
      "qkv_bias", "moe_intermediate_size", "intermediate_size", "shared_expert_intermediate_size",
    ]
  )

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    var seeds: [[UInt8]] = []
    for (name, model) in [("mixtral", TinyModel.mixtral()), ("qwen2_moe", TinyModel.qwen2MoE())] {
      scratch.makeFolder(name)
      let weights = RawSafetensors.file(model.tensors)
      try scratch.write(weights, to: "\(name)/model.safetensors")
      seeds.append(Array(model.configuration.text(pretty: true).utf8))
    }
    for name in ["micro-qwen2moe", "tiny-mixtral"] {
      let path = FilePath("\(fixtures)/models/\(name)/config.json")
      seeds.append(try FileSystem.contents(of: path))
    }
    self.seeds = seeds
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    var text = input
    json.apply(to: &text, using: &random)
    return text
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    let isQwen = String(decoding: input, as: UTF8.self).contains("qwen2_moe")
    let folder = isQwen ? "qwen2_moe" : "mixtral"
    try scratch.write(input, to: "\(folder)/config.json")
    let path = scratch(folder).string
    guard let checkpoint = try opening("config.json", { try Checkpoint(path) }) else {
      return false
    }
    let model = WholeModel(checkpoint: checkpoint, scratch: scratch)
    try model.inspect()
    if let problem = checkpoint.problem { try requireOwn(problem, naming: path) }
    _ = try must("listing") { try ModelFiles(checkpoint).names }
    for problem in model.problems() {
      try require(problem.place == "tensors", "verify: \(problem.message)")
    }
    try model.packAndUnpack()
    try rewrite(checkpoint)
    for type in [nil, ElementType.f32] { try model.export(as: type) }
    if checkpoint.configuration != nil,
      try opening(path, { try checkpoint.requireComplete(ignoring: { _ in true }) }) != nil
    {
      try evaluate(checkpoint)
    }
    return true
  }

  /// The configuration written anew must say the same.
  private func rewrite(_ checkpoint: Checkpoint) throws {
    guard let json = checkpoint.configurationJSON else { return }
    let again = try must("reading what was written") {
      try JSONValue(parsing: Array(json.text(pretty: true).utf8))
    }
    try require(again == json, "another configuration came back")
  }

  /// A model whose shapes fit its configuration must run.
  private func evaluate(_ checkpoint: Checkpoint) throws {
    try must("a forward pass") {
      let pass = try ForwardPass(checkpoint, threads: 1)
      let length = 5
      let stream = try pass.embed([0, 1, 2, 3, 15], length: length, spoolFolder: nil)
      try pass.run(stream)
      _ = try pass.outputHead().normalized(try stream.load(0))
    }
  }
}
