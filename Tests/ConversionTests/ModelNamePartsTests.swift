import Testing

@testable import Conversion

/// Expected values by `gguf` 0.19.0, `Metadata.get_model_id_components` and `id_to_title`.
@Suite("Parts of a model's name")
struct ModelNamePartsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let id: String
    let parameters: Int
    let title: String
    let parts: [String?]
    var testDescription: String { id }

    init(_ id: String, _ parameters: Int, _ title: String, _ parts: [String?]) {
      (self.id, self.parameters, self.title, self.parts) = (id, parameters, title, parts)
    }
  }

  /// Title of the name; organisation, basename, finetune, version, size.
  static let cases: [Case] = [
    Case(
      "Mixtral-8x7B-Instruct-v0.1",
      46700000000,
      "Mixtral 8x7B Instruct v0.1",
      [nil, "Mixtral", "Instruct", "v0.1", "8x7B"]
    ),
    Case(
      "mistralai/Mixtral-8x7B-v0.1",
      46700000000,
      "Mixtral 8x7B v0.1",
      ["mistralai", "Mixtral", nil, "v0.1", "8x7B"]
    ),
    Case(
      "Qwen1.5-MoE-A2.7B-Chat",
      14300000000,
      "Qwen1.5 MoE A2.7B Chat",
      [nil, "Qwen1.5-MoE", "Chat", nil, "A2.7B"]
    ),
    Case(
      "Qwen/Qwen1.5-MoE-A2.7B",
      14300000000,
      "Qwen1.5 MoE A2.7B",
      ["Qwen", "Qwen1.5-MoE", nil, nil, "A2.7B"]
    ),
    Case("tiny-qwen2moe", 2000000, "Tiny Qwen2Moe", [nil, nil, nil, nil, nil]),
    Case("micro-qwen2moe", 1600000, "Micro Qwen2Moe", [nil, nil, nil, nil, nil]),
    Case("OLMoE-1B-7B-0924", 6900000000, "OLMoE 1B 7B 0924", [nil, "OLMoE", nil, "0924", "1B-7B"]),
    Case("DeepSeek-V2-Lite", 15700000000, "DeepSeek V2 Lite", [nil, nil, nil, nil, nil]),
    Case(
      "Phi-3.5-MoE-instruct",
      41900000000,
      "Phi 3.5 MoE Instruct",
      [nil, "Phi-3.5-MoE", "instruct", nil, nil]
    ),
    Case("bloom-7b1", 7000000000, "Bloom 7b1", [nil, "bloom", nil, nil, "7.1B"]),
    Case(
      "Llama-3-8B-Instruct-64k",
      8000000000,
      "Llama 3 8B Instruct 64k",
      [nil, "Llama-3", "Instruct-64k", nil, "8B"]
    ),
    Case("./models", 10, "Models", [nil, nil, nil, nil, nil]),
    Case("my model of words", 10, "My Model Of Words", [nil, nil, nil, nil, nil]),
    Case(
      "Nous-Hermes-2-Mixtral-8x7B-DPO",
      46700000000,
      "Nous Hermes 2 Mixtral 8x7B DPO",
      [nil, "Nous-Hermes-2-Mixtral", "DPO", nil, "8x7B"]
    ),
    Case("model--v2--Q4_K_M", 10, "Model v2 Q4_K_M", [nil, nil, nil, nil, nil]),
    Case(
      "Mixtral-8x22B-v0.1-fp16",
      140000000000,
      "Mixtral 8x22B v0.1 Fp16",
      [nil, "Mixtral", nil, "v0.1", "8x22B"]
    ),
    Case(
      "Qwen3-30B-A3B-Instruct-2507",
      30500000000,
      "Qwen3 30B A3B Instruct 2507",
      [nil, "Qwen3", "Instruct", "2507", "30B-A3B"]
    ),
    Case("a", 1, "A", [nil, nil, nil, nil, nil]),
    Case("8x7b", 46700000000, "8x7b", [nil, nil, "8x7b", nil, nil]),
    Case(
      "x-7_5b-chat-small",
      7500000000,
      "X 7_5b Chat Small",
      [nil, "x", "chat-small", nil, "7.5B"]
    ),
    Case(
      "dolphin-2.5-mixtral-8x7b",
      46700000000,
      "Dolphin 2.5 Mixtral 8x7b",
      [nil, "dolphin-2.5-mixtral", nil, nil, "8x7B"]
    ),
  ]

  @Test("are those that the gguf package finds", arguments: cases)
  func parts(_ expected: Case) {
    let parts = ModelNameParts(expected.id, parameters: expected.parameters)
    #expect(ModelNameParts.title(parts.name) == expected.title)
    let found = [
      parts.organization, parts.basename, parts.finetune, parts.version, parts.sizeLabel,
    ]
    #expect(found == expected.parts)
  }
}
