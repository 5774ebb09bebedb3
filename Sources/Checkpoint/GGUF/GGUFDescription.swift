internal import GGUF
internal import JSON
internal import Tensors

/// What the keys of a GGUF file say of its model.
struct GGUFDescription {
  /// The family.
  let family: any Architecture
  /// What `config.json` would say.
  let configuration: JSONObject
  /// Names of the file's tensors.
  let names: TensorNames
  /// Routed experts per layer, of the original model.
  let experts: Int
  /// Which of them are left, in a file with factored experts.
  let factored: FactoredKeys?

  private let heads: Int
  private let keyValueHeads: Int

  /// Reads the keys.
  ///
  /// - Throws: ``CheckpointError`` if the family is not known or a key makes no sense.
  init(_ contents: GGUFContents) throws(CheckpointError) {
    do {
      let path = contents.path
      if contents.metadata["general.type"]?.string == "adapter" {
        throw CheckpointError.unsupported(
          path: path,
          reason: "is an adapter and no model; name it beside its base, as in evaluate BASE --lora"
            + " ADAPTER"
        )
      }
      guard let architecture = contents.metadata["general.architecture"]?.string else {
        throw CheckpointError.unsupported(
          path: path,
          reason: "there is no text 'general.architecture', so the family is unknown"
        )
      }
      // Keys have llama.cpp's name in front even where the architecture has a name of ours.
      let isFactored = architecture.hasPrefix(FactoredKeys.prefix)
      let keys = ArchitectureKeys(
        metadata: contents.metadata,
        architecture: isFactored
          ? String(architecture.dropFirst(FactoredKeys.prefix.count)) : architecture,
        file: path
      )
      guard let family = try Architectures.of(keys) else {
        throw CheckpointError.unsupported(
          path: path,
          reason: "general.architecture '\(architecture)'"
            + (architecture == "llama" ? ", a model without experts," : "")
            + " is not a family this version runs (\(Architectures.knownGGUF)); inspect, verify,"
            + " edit, split and merge work on it"
        )
      }
      var json = try family.configurationJSON(keys)
      GGUFDescription.addShapes(of: contents, family.ggufNames, to: &json)
      names =
        isFactored
        ? TensorNames(FactoredExperts.rules + family.ggufNames.rules) : family.ggufNames
      self.family = family
      configuration = json
      experts = try keys.requiredCount("expert_count")
      factored =
        isFactored
        ? try FactoredKeys(
          contents.metadata,
          layers: try keys.requiredCount("block_count"),
          experts: experts,
          file: path
        ) : nil
      heads = try keys.requiredCount("attention.head_count")
      keyValueHeads = json["num_key_value_heads"]?.integer ?? heads
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw .unsupported(path: contents.path, reason: "\(error)")
    }
  }

  /// How many heads the reordered rows of a tensor belong to; nil if they are not reordered.
  func reorderedHeads(of role: TensorRole) -> Int? {
    guard family.reordersQueryAndKey else { return nil }
    switch role {
    case .attentionQuery, .attentionQueryBias: return max(1, heads)
    case .attentionKey, .attentionKeyBias: return max(1, keyValueHeads)
    default: return nil
    }
  }

  /// What only the tensors say: the size of the vocabulary, whether there is an output of its own,
  /// and the type of most weights.
  private static func addShapes(
    of contents: GGUFContents,
    _ names: TensorNames,
    to json: inout JSONObject
  ) {
    let embedding = contents.source.tensors.first { names.place(of: $0.name).role == .embedding }
    if let rows = embedding?.shape.first { json["vocab_size"] = JSONValue(rows) }
    json["tie_word_embeddings"] = .bool(
      !contents.source.tensors.contains { names.place(of: $0.name).role == .output }
    )
    var bytes: [ElementType: Int] = [:]
    for tensor in contents.source.tensors where tensor.shape.count > 1 {
      bytes[tensor.type, default: 0] += tensor.byteCount
    }
    let type = bytes.max { ($0.value, $1.key.name) < ($1.value, $0.key.name) }?.key
    json["torch_dtype"] = .string(
      type == .f32 ? "float32" : type == .bf16 ? "bfloat16" : "float16"
    )
    for (key, name) in [("bos_token_id", "bos"), ("eos_token_id", "eos")] {
      if let id = contents.metadata["tokenizer.ggml.\(name)_token_id"]?.integer {
        json[key] = JSONValue(id)
      }
    }
  }
}
