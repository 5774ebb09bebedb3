/// How one family names its tensors, read in both directions from one table.
///
/// A pattern's `#` stands for a number: the first for the layer, the second for the expert.
public struct TensorNames: Sendable {
  /// A name with its role.
  public typealias Rule = (pattern: String, role: TensorRole)

  /// The table.
  let rules: [Rule]
  private let roles: [String: TensorRole]
  private let patterns: [TensorRole: String]

  /// A table; where a role has several patterns the first is the one to write.
  public init(_ rules: [Rule]) {
    var roles: [String: TensorRole] = [:]
    var patterns: [TensorRole: String] = [:]
    for (pattern, role) in rules {
      roles[pattern] = role
      if patterns[role] == nil { patterns[role] = pattern }
    }
    self.rules = rules
    self.roles = roles
    self.patterns = patterns
  }

  /// What the tensor called `name` does; `other` if the family has no such tensor.
  public func place(of name: String) -> TensorPlace {
    var numbers: [Int] = []
    let components = name.split(separator: ".", omittingEmptySubsequences: false).map {
      component -> Substring in
      guard let number = Int(component), number >= 0, String(number) == component else {
        return component
      }
      numbers.append(number)
      return "#"
    }
    guard numbers.count <= 2, !name.utf8.contains(UInt8(ascii: "#")),
      let role = roles[components.joined(separator: ".")]
    else {
      return TensorPlace(.other, layer: TensorNames.layer(of: name))
    }
    return TensorPlace(role, layer: numbers.first, expert: numbers.count > 1 ? numbers[1] : nil)
  }

  /// The name of the tensor at `place`.
  public func name(of place: TensorPlace) -> String {
    var numbers = [place.layer, place.expert].compactMap { $0 }[...]
    let pattern = patterns[place.role] ?? "?"
    return pattern.split(separator: ".").map { component in
      component == "#" ? numbers.popFirst().map(String.init) ?? "#" : String(component)
    }.joined(separator: ".")
  }

  /// The names that decoders descended from Llama share.
  public static let decoder: [Rule] = [
    ("model.embed_tokens.weight", .embedding),
    ("model.norm.weight", .finalNorm),
    ("lm_head.weight", .output),
    ("model.layers.#.input_layernorm.weight", .attentionNorm),
    ("model.layers.#.post_attention_layernorm.weight", .mlpNorm),
    ("model.layers.#.self_attn.q_proj.weight", .attentionQuery),
    ("model.layers.#.self_attn.k_proj.weight", .attentionKey),
    ("model.layers.#.self_attn.v_proj.weight", .attentionValue),
    ("model.layers.#.self_attn.o_proj.weight", .attentionOutput),
    ("model.layers.#.self_attn.q_proj.bias", .attentionQueryBias),
    ("model.layers.#.self_attn.k_proj.bias", .attentionKeyBias),
    ("model.layers.#.self_attn.v_proj.bias", .attentionValueBias),
    ("model.layers.#.self_attn.o_proj.bias", .attentionOutputBias),
  ]

  /// The names of transformers 5 for experts fused into one tensor per layer.
  public static let fusedExperts: [Rule] = [
    ("model.layers.#.mlp.experts.gate_up_proj", .expertGateUp),
    ("model.layers.#.mlp.experts.down_proj", .expertDown),
  ]

  /// The layer in "….layers.3.…" or "blk.3.…", for tensors without a role.
  private static func layer(of name: String) -> Int? {
    let components = name.split(separator: ".")
    guard let place = components.firstIndex(where: { $0 == "layers" || $0 == "blk" }),
      place + 1 < components.count
    else {
      return nil
    }
    return Int(components[place + 1])
  }
}
