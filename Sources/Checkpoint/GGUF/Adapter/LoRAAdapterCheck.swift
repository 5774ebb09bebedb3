internal import GGUF
internal import SystemPackage
internal import Tensors

/// What an adapter must be to fit a base, with words for what it is not.
struct LoRAAdapterCheck {
  let path: FilePath
  let base: LoRAAdapter.Base

  /// A and B of one stacked tensor of the base.
  struct Pair {
    /// The base's tensor.
    var name: String
    var role: TensorRole
    var layer: Int
    /// Places of A and B.
    var a: Int
    var b: Int
  }

  func refusal(_ reason: String) -> CheckpointError { .unsupported(path: path, reason: reason) }

  /// Checks the keys that llama.cpp checks.
  ///
  /// - Returns: `adapter.lora.alpha`, 0 where it is absent.
  func alpha(_ metadata: GGUFMetadata) throws -> Double {
    func require(_ key: String, _ expected: String, _ remedy: String) throws {
      let got = metadata[key]?.string
      guard got == expected else {
        throw refusal(
          "'\(key)' is \(got.map { "'\($0)'" } ?? "no text"), expected '\(expected)'; \(remedy)"
        )
      }
    }
    try require("general.type", "adapter", "name a LoRA adapter for llama.cpp")
    try require(
      "general.architecture",
      base.family.ggufName,
      "the base, \(base.path), is of another family"
    )
    try require("adapter.type", "lora", "other kinds of adapters are not known")
    guard let value = metadata["adapter.lora.alpha"] else { return 0 }
    guard case .float32(let alpha) = value, alpha.isFinite else {
      throw refusal("'adapter.lora.alpha' is no finite f32; make the adapter again")
    }
    return Double(alpha)
  }

  /// Puts A and B together.
  func pairs(_ tensors: [TensorDescriptor]) throws -> [Pair] {
    var halves: [String: (a: Int?, b: Int?)] = [:]
    var order: [String] = []
    for (index, tensor) in tensors.enumerated() {
      let suffix = tensor.name.suffix(7)
      guard suffix == ".lora_a" || suffix == ".lora_b" else {
        throw refusal("tensor '\(tensor.name)' ends neither in .lora_a nor in .lora_b")
      }
      let name = String(tensor.name.dropLast(7))
      if halves[name] == nil { order.append(name) }
      if suffix == ".lora_a" {
        halves[name, default: (nil, nil)].a = index
      } else {
        halves[name, default: (nil, nil)].b = index
      }
    }
    guard !order.isEmpty else { throw refusal("it has no tensors; make the adapter again") }
    return try order.map { name in
      guard let a = halves[name]?.a, let b = halves[name]?.b else {
        throw refusal(
          "of '\(name)' there is only one of .lora_a and .lora_b; is the file complete?"
        )
      }
      let place = base.family.ggufNames.place(of: name)
      guard place.role.isExpert, let layer = place.layer else {
        throw refusal(
          "it changes '\(name)', and only adapters of routed experts are applied here; llama.cpp's"
            + " own tools apply any"
        )
      }
      guard base.experts[layer] != nil, base.tensorNames?.contains(name) ?? true else {
        throw refusal(
          "it changes '\(name)', which the base, \(base.path), does not have; was it made for another?"
        )
      }
      return Pair(name: name, role: place.role, layer: layer, a: a, b: b)
    }
  }

  /// Checks the shapes of a pair.
  ///
  /// - Returns: One correction, or two where gate and up are one tensor, gate rows first.
  func corrections(of pair: Pair, in tensors: [TensorDescriptor], alpha: Double) throws
    -> [LoRACorrection]
  {
    let (a, b) = (tensors[pair.a], tensors[pair.b])
    let c = base.configuration
    let projections: [Projection] =
      switch pair.role {
      case .expertGateUp: [.gate, .up]
      case .expertGate: [.gate]
      case .expertUp: [.up]
      default: [.down]
      }
    let isDown = pair.role == .expertDown
    let (rows, columns) = isDown ? (c.hiddenSize, c.expertWidth) : (c.expertWidth, c.hiddenSize)
    let experts = base.experts[pair.layer] ?? 0
    let rank = a.shape.count == 3 ? a.shape[1] : 0
    guard rank > 0, a.shape == [experts, rank, columns],
      b.shape == [experts, projections.count * rows, rank]
    else {
      throw refusal(
        "'\(a.name)' and '\(b.name)' have the shapes \(a.shape) and \(b.shape); the base,"
          + " \(base.path), needs [\(experts), r, \(columns)] and [\(experts),"
          + " \(projections.count * rows), r]; was the adapter made for it?"
      )
    }
    for tensor in [a, b] where !tensor.type.isComputable {
      throw CheckpointError.wrongType(
        path: path,
        tensor: tensor.name,
        reason: "type \(tensor.type.name) cannot be computed with"
      )
    }
    return projections.enumerated().map { number, projection in
      LoRACorrection(
        projection: projection,
        a: pair.a,
        b: pair.b,
        rank: rank,
        scale: alpha == 0 ? 1 : Float(alpha / Double(rank)),
        stride: (a.byteCount / experts, b.byteCount / experts),
        rowOffset: number * (b.byteCount / (experts * projections.count))
      )
    }
  }
}
