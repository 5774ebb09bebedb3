import Fixtures
import Glibc
import JSON
import Testing

/// Inputs that are no model, or one that contradicts itself.
@Suite struct WrongInputTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// Every command that reads a model, on `model`.
  private func refuse(_ model: String, saying words: [String], commands: Int = 7) throws {
    let lines = [
      ["inspect", model], ["convert", model, "-o", scratch("out.moepack")],
      ["evaluate", model, "--text", Sample.heldout],
      ["compress", model, "-o", scratch("out.moepack")],
      ["plan", model, "-o", scratch("p.json")],
      ["calibrate", model, "-o", scratch("s.safetensors")],
      ["tokenize", model, "--text", Sample.heldout],
    ]
    for line in lines.suffix(commands) { try Moepack.fail(1, saying: words, line) }
  }

  @Test("a path that leads nowhere is refused by name")
  func missingModel() throws {
    try refuse(scratch("none/such/model"), saying: ["none/such/model", "no such file"])
  }

  @Test("ORG/NAME is refused with the command that downloads it")
  func hubName() throws {
    let run = try Moepack.fail(
      1,
      saying: ["hf download Qwen/Qwen1.5-MoE-A2.7B"],
      ["inspect", "Qwen/Qwen1.5-MoE-A2.7B"],
      in: scratch.path
    )
    #expect(run.complaint.contains("--local-dir"))
  }

  @Test("a folder of pickles is refused unread")
  func pickles() throws {
    try scratch.makeFolder("model")
    try scratch.write(
      "model/config.json",
      try ScratchFolder.bytes(of: "\(Sample.micro)/config.json")
    )
    try scratch.write("model/pytorch_model.bin", [0x80, 2])
    try refuse(scratch("model"), saying: ["pytorch_model.bin", "safetensors"])
    try Moepack.fail(1, saying: ["pickle"], ["inspect", scratch("model/pytorch_model.bin")])
  }

  @Test("a folder without weights, and an empty one, are refused")
  func noWeights() throws {
    try scratch.makeFolder("model")
    try refuse(scratch("model"), saying: [scratch("model"), ".safetensors"])
  }

  @Test("a Git LFS pointer is refused with its remedy")
  func lfsPointer() throws {
    let model = try Sample.copy(in: scratch)
    try scratch.write(
      "model/model.safetensors",
      """
      version https://git-lfs.github.com/spec/v1
      oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
      size 3313776

      """
    )
    try refuse(model, saying: ["git lfs pull", "model.safetensors"])
  }

  @Test("one file of weights has no configuration, so it cannot be run")
  func noConfiguration() throws {
    let file = "\(Sample.micro)/model.safetensors"
    let ids = try scratch.write("ids.json", "[1, 2, 3, 4]")
    try Moepack.fail(
      1,
      saying: ["config.json"],
      ["evaluate", file, "--ids", ids, "--context", "2"]
    )
    try Moepack.fail(1, saying: ["config.json"], ["compress", file, "-o", scratch("x.moepack")])
  }

  @Test("a folder of the hub's cache leads to its snapshot, through the links in it")
  func hubCache() throws {
    let cache = try scratch.makeFolder("models--Org--Name")
    try scratch.makeFolder("models--Org--Name/blobs")
    try scratch.makeFolder("models--Org--Name/refs")
    try Moepack.fail(1, saying: [cache], ["inspect", cache])
    try scratch.makeFolder("models--Org--Name/snapshots")
    try Moepack.fail(1, saying: [cache, "snapshot"], ["inspect", cache])
    let snapshot = try scratch.makeFolder("models--Org--Name/snapshots/0123abc")
    for name in try ScratchFolder.names(in: Sample.micro) {
      let bytes = try ScratchFolder.bytes(of: "\(Sample.micro)/\(name)")
      try scratch.write("models--Org--Name/blobs/\(name)", bytes)
      symlink("../../blobs/\(name)", "\(snapshot)/\(name)")
    }
    #expect(try Moepack.json("inspect", cache)["architecture"] == "qwen2_moe")
    // Of several snapshots, the one that refs/main names.
    try scratch.makeFolder("models--Org--Name/snapshots/0456def")
    try Moepack.fail(1, saying: [cache], ["inspect", cache])
    try scratch.write("models--Org--Name/refs/main", "0123abc\n")
    #expect(try Moepack.json("inspect", cache)["architecture"] == "qwen2_moe")
  }

  @Test("a download that stopped early is named")
  func truncatedWeights() throws {
    let model = try Sample.copy(in: scratch)
    let bytes = try ScratchFolder.bytes(of: "\(model)/model.safetensors")
    for count in [0, 7, 100, bytes.count / 2, bytes.count - 1] {
      try scratch.write("model/model.safetensors", Array(bytes[..<count]))
      try Moepack.fail(1, saying: ["model.safetensors"], ["inspect", model])
    }
  }

  @Test("a file of none of the formats is refused")
  func otherFile() throws {
    for name in ["a.txt", "a.safetensors", "a.gguf", "a.moepack"] {
      let path = try scratch.write(name, "hello, this is a plain text of some length")
      try Moepack.fail(1, saying: [name], ["inspect", path])
    }
    let path = try scratch.write("a.gguf", "GGUF\u{3}\u{0}\u{0}\u{0}")
    try Moepack.fail(1, saying: ["a.gguf", "number of tensors"], ["inspect", path])
  }

  /// A change to config.json, and what the refusal must name.
  static let contradictions: [[String]] = [
    ["\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"", "hidden_act"],
    ["\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"", "rope_type"],
    ["\"num_experts_per_tok\": 4", "\"num_experts_per_tok\": 17", "num_experts_per_tok"],
    ["\"num_experts\": 16", "\"num_experts\": 0", "num_experts"],
    ["\"num_experts\": 16", "\"num_experts\": 20", "mlp.gate.weight"],
    ["\"num_experts\": 16", "\"num_experts\": \"many\"", "num_experts"],
    ["\"hidden_size\": 96", "\"hidden_size\": 64", "embed_tokens"],
    ["\"hidden_size\": 96,", "", "hidden_size"],
    ["\"num_attention_heads\": 4", "\"num_attention_heads\": 5", "num_attention_heads"],
    ["\"num_key_value_heads\": 4", "\"num_key_value_heads\": 3", "num_key_value_heads"],
    ["\"num_key_value_heads\": 4", "\"num_key_value_heads\": 2", "k_proj"],
    ["\"num_hidden_layers\": 4", "\"num_hidden_layers\": 5", "layers.4"],
    ["\"num_hidden_layers\": 4", "\"num_hidden_layers\": 3", "layers.3"],
    ["\"vocab_size\": 1024", "\"vocab_size\": 1000", "1000"],
    ["\"moe_intermediate_size\": 64", "\"moe_intermediate_size\": 32", "experts.0"],
    [
      "\"shared_expert_intermediate_size\": 96", "\"shared_expert_intermediate_size\": 95",
      "shared_expert",
    ],
    ["\"mlp_only_layers\": []", "\"mlp_only_layers\": [1]", "layers.1.mlp"],
    ["\"decoder_sparse_step\": 1", "\"decoder_sparse_step\": 2", "layers.0.mlp"],
    ["\"qkv_bias\": true", "\"qkv_bias\": false", "bias"],
    ["\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true", "lm_head.weight"],
    ["\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": -1", "rms_norm_eps"],
    ["\"model_type\": \"qwen2_moe\"", "\"model_type\": \"llama\"", "llama"],
    ["\"model_type\": \"qwen2_moe\"", "\"model_type\": \"mixtral\"", ""],
    ["\"vocab_size\": 1024", "\"vocab_size\": 1024, \"vocab_size\": 1024", "config.json"],
    ["\"vocab_size\": 1024", "\"vocab_size\": 1024,,", "config.json"],
  ]

  @Test(
    "a config.json that contradicts the weights or itself stops evaluate and compress",
    arguments: contradictions
  )
  func contradiction(change: [String]) throws {
    let model = try Sample.copy(in: scratch)
    try Sample.edit("model/config.json", in: scratch, change[0], change[1])
    let words = change[2].isEmpty ? [] : [change[2]]
    try Moepack.fail(1, saying: words, ["evaluate", model, "--text", Sample.heldout])
    try Moepack.fail(
      1,
      saying: words,
      ["compress", model, "-o", scratch("out.moepack")] + Sample.short
    )
    #expect(try ScratchFolder.names(in: scratch.path) == ["model"])
  }

  @Test("a tokenizer of another model is refused before the weights are read")
  func foreignTokenizer() throws {
    let model = try Sample.copy(in: scratch)
    try scratch.write(
      "model/tokenizer.json",
      try ScratchFolder.bytes(of: "\(Sample.mixtral)/tokenizer.json")
    )
    try Moepack.fail(
      1,
      saying: ["tokenizer.json"],
      ["evaluate", model, "--text", Sample.heldout]
    )
  }

  @Test("ids outside the vocabulary are refused by number")
  func foreignIDs() throws {
    let ids = try scratch.write("ids.json", "[1, 2, 1024, 3]")
    try Moepack.fail(
      1,
      saying: ["1024"],
      ["evaluate", Sample.micro, "--ids", ids, "--context", "4"]
    )
    try Moepack.fail(
      1,
      saying: ["1024"],
      ["compress", Sample.micro, "--ids", ids, "--context", "4", "-o", scratch("x.moepack")]
    )
    #expect(try ScratchFolder.names(in: scratch.path) == ["ids.json"])
  }

  @Test("text is refused with file and line")
  func wrongText() throws {
    let bad = try scratch.write(
      "a.jsonl",
      Array("{\"text\": \"a\"}\n{\"text\": \"\u{7F}".utf8) + [0xFF]
    )
    try Moepack.fail(
      1,
      saying: ["a.jsonl", "line 2", "UTF-8"],
      ["evaluate", Sample.micro, "--text", bad]
    )
    try Moepack.fail(
      1,
      saying: ["none.txt"],
      ["evaluate", Sample.micro, "--text", scratch("none.txt")]
    )
    let short = try scratch.write("short.txt", "a b")
    try Moepack.fail(
      1,
      saying: ["short.txt", "512"],
      ["evaluate", Sample.micro, "--text", short]
    )
    let empty = try scratch.write("empty.txt", "")
    try Moepack.fail(
      1,
      saying: ["empty.txt"],
      ["compress", Sample.micro, "--calibration", empty, "-o", scratch("x.moepack")]
    )
  }
}
