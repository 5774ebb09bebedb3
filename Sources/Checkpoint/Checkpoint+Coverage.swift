internal import Safetensors
internal import Storage
public import Tensors

extension Checkpoint {
  /// Checks that every tensor of the architecture is there with its shape and a type to compute
  /// with, and that no other tensor is, so that nothing is guessed or left out in silence.
  ///
  /// - Parameters:
  ///   - ignored: Whether a tensor that is not used may be left aside. Experts and routers may not: a
  ///     stray one means that `config.json` is not of these weights.
  ///   - allowsScales: Whether weights may have scales in other tensors, as long as nobody computes.
  /// - Throws: ``CheckpointError`` for a family that cannot be run, for tensors that are missing,
  ///   unexplained or of another shape or type, for weights whose scales are ignored, and for a tied
  ///   output that differs.
  public func requireComplete(
    ignoring ignored: (String) -> Bool = { _ in false },
    allowsScales: Bool = false
  ) throws {
    let configuration = try requireConfiguration()
    var missing: [String] = []
    var used: Set<Int> = []
    for (place, shape) in expectedTensors(configuration) {
      guard let index = index(of: place) else {
        missing.append(names?.name(of: place) ?? "?")
        continue
      }
      try check(index, shape: shape)
      used.insert(index)
    }
    for layer in configuration.moeLayers {
      missing += try checkExperts(layer: layer, configuration, used: &used)
    }
    guard missing.isEmpty else {
      throw CheckpointError.missingTensors(
        path: location.path,
        names: Array(missing.prefix(3)),
        count: missing.count
      )
    }
    if configuration.isTied, let output = index(of: TensorPlace(.output)) { used.insert(output) }
    // Scales are unexplained, too, and cannot be ignored.
    if !allowsScales { try requireUnscaledWeights() }
    let unexplained = tensors.indices.filter { index in
      let (name, role) = (tensors[index].name, places[index].role)
      if used.contains(index) || Checkpoint.isKnownBuffer(name) { return false }
      return role.isExpert || role == .router || !ignored(name)
    }.map { tensors[$0].name }
    guard unexplained.isEmpty else {
      throw CheckpointError.unexplainedTensors(
        path: location.path,
        names: Array(unexplained.prefix(3)),
        count: unexplained.count
      )
    }
    try checkTiedOutput(configuration)
  }

  /// Refuses weights whose values are to be multiplied by another tensor: alone they are wrong. FP8
  /// checkpoints have `NAME_scale_inv` or `NAME_scale` beside NAME, or `PART.scale` beside
  /// `PART.weight`, as GGUF files of NVFP4 do.
  ///
  /// - Parameter areUsed: Whether values of a tensor are looked at; by default all that are numbers.
  /// - Throws: ``CheckpointError/scaledWeights(path:scale:weights:)``.
  public func requireUnscaledWeights(
    where areUsed: (TensorDescriptor) -> Bool = { $0.type.isComputable }
  ) throws {
    let scales = ["_scale_inv", "_scale", ".scale"]
    guard fileTensors.contains(where: { tensor in scales.contains { tensor.name.hasSuffix($0) } })
    else { return }
    let known = Dictionary(
      fileTensors.map { ($0.name, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    for tensor in fileTensors {
      for suffix in scales where tensor.name.hasSuffix(suffix) {
        let stem = String(tensor.name.dropLast(suffix.count))
        guard let weights = known[suffix == ".scale" ? stem + ".weight" : stem], areUsed(weights)
        else { continue }
        throw CheckpointError.scaledWeights(
          path: location.path,
          scale: tensor.name,
          weights: weights.name
        )
      }
    }
  }

  /// Buffers that old exports carry and no forward pass reads.
  static func isKnownBuffer(_ name: String) -> Bool {
    name.hasSuffix(".rotary_emb.inv_freq") || name.hasSuffix(".masked_bias")
  }

  /// Checks that the routers and experts that are there have the shapes of the configuration, for
  /// uses that take a part of them and can do without the rest.
  ///
  /// - Throws: ``CheckpointError/wrongShape(path:tensor:expected:got:)``.
  public func requireExpertShapes() throws {
    let c = try requireConfiguration()
    for (index, place) in places.enumerated() where self.index(of: place) == index {
      guard let layer = place.layer, c.isMixture(layer) else { continue }
      let shape: [Int]? =
        switch place.role {
        case .router: [keptExperts[layer]?.count ?? c.expertCount, c.hiddenSize]
        case .expertGate, .expertUp: [c.expertWidth, c.hiddenSize]
        case .expertDown:
          place.expert == nil
            ? [c.expertCount, c.hiddenSize, c.expertWidth] : [c.hiddenSize, c.expertWidth]
        case .expertGateUp: [c.expertCount, 2 * c.expertWidth, c.hiddenSize]
        default: nil
        }
      if let shape { try checkShape(index, shape) }
    }
  }

  private func checkShape(_ index: Int, _ shape: [Int]) throws {
    let tensor = tensors[index]
    guard tensor.shape == shape else {
      throw CheckpointError.wrongShape(
        path: location.path,
        tensor: tensor.name,
        expected: shape,
        got: tensor.shape
      )
    }
  }

  private func check(_ index: Int, shape: [Int]) throws {
    try checkShape(index, shape)
    let tensor = tensors[index]
    guard tensor.type.isComputable else {
      let error = TensorError.notComputable(type: tensor.type)
      throw CheckpointError.wrongType(
        path: location.path,
        tensor: tensor.name,
        reason: error.description
      )
    }
  }

  /// Names of the experts' matrices that are missing; adds those that are there to `used`.
  private func checkExperts(
    layer: Int,
    _ configuration: ModelConfiguration,
    used: inout Set<Int>
  ) throws -> [String] {
    let (hidden, width) = (configuration.hiddenSize, configuration.expertWidth)
    let kept = keptExperts[layer] ?? []
    if isFused(layer: layer) {
      let down = TensorPlace(.expertDown, layer: layer)
      guard let gateUp = index(of: TensorPlace(.expertGateUp, layer: layer)),
        let downIndex = index(of: down)
      else { return [names?.name(of: down) ?? "?"] }
      try check(gateUp, shape: [configuration.expertCount, 2 * width, hidden])
      try check(downIndex, shape: [configuration.expertCount, hidden, width])
      used.formUnion([gateUp, downIndex])
      return []
    }
    var missing: [String] = []
    for expert in kept {
      for projection in Projection.allCases {
        let shape = projection == .down ? [hidden, width] : [width, hidden]
        switch expertMatrix(layer: layer, expert: expert, projection: projection)?.form {
        case nil:
          let place = TensorPlace(projection.role, layer: layer, expert: expert)
          missing.append(names?.name(of: place) ?? "?")
        case .dense(let tensor, _):
          try check(tensor, shape: shape)
          used.insert(tensor)
        case .factors(let left, let right, _):
          try check(left, shape: tensors[left].shape)
          try check(right, shape: tensors[right].shape)
          used.formUnion([left, right])
        }
      }
    }
    return missing
  }

  /// Every tensor but the experts', with its shape.
  private func expectedTensors(_ c: ModelConfiguration) -> [(TensorPlace, [Int])] {
    var list: [(TensorPlace, [Int])] = [
      (TensorPlace(.embedding), [c.vocabularySize, c.hiddenSize]),
      (TensorPlace(.finalNorm), [c.hiddenSize]),
    ]
    if !c.isTied { list.append((TensorPlace(.output), [c.vocabularySize, c.hiddenSize])) }
    let query = c.headCount * c.headDimension
    let keyValue = c.keyValueHeadCount * c.headDimension
    for layer in 0..<c.layerCount {
      func add(_ role: TensorRole, _ shape: [Int]) {
        list.append((TensorPlace(role, layer: layer), shape))
      }
      add(.attentionNorm, [c.hiddenSize])
      add(.mlpNorm, [c.hiddenSize])
      add(.attentionQuery, [query, c.hiddenSize])
      add(.attentionKey, [keyValue, c.hiddenSize])
      add(.attentionValue, [keyValue, c.hiddenSize])
      add(.attentionOutput, [c.hiddenSize, query])
      if c.hasAttentionBias {
        add(.attentionQueryBias, [query])
        add(.attentionKeyBias, [keyValue])
        add(.attentionValueBias, [keyValue])
      }
      if c.isMixture(layer) {
        add(.router, [keptExperts[layer]?.count ?? c.expertCount, c.hiddenSize])
        if let shared = c.sharedExpertWidth {
          add(.sharedGate, [shared, c.hiddenSize])
          add(.sharedUp, [shared, c.hiddenSize])
          add(.sharedDown, [c.hiddenSize, shared])
          if c.hasSharedExpertGate { add(.sharedExpertGate, [1, c.hiddenSize]) }
        }
      } else {
        add(.mlpGate, [c.denseWidth, c.hiddenSize])
        add(.mlpUp, [c.denseWidth, c.hiddenSize])
        add(.mlpDown, [c.hiddenSize, c.denseWidth])
      }
    }
    return list
  }

  /// A tied output may be absent, or be the embedding once more; anything else is a contradiction.
  private func checkTiedOutput(_ configuration: ModelConfiguration) throws {
    guard configuration.isTied, let output = index(of: TensorPlace(.output)),
      let embedding = index(of: TensorPlace(.embedding))
    else { return }
    let (a, b) = (tensors[output], tensors[embedding])
    guard a.type == b.type, a.shape == b.shape else {
      throw CheckpointError.tiedOutputDiffers(path: location.path)
    }
    let piece = 4 << 20
    var (left, right) = ([UInt8](), [UInt8]())
    for start in stride(from: 0, to: a.byteCount, by: piece) {
      let range = start..<min(start + piece, a.byteCount)
      left = [UInt8](repeating: 0, count: range.count)
      right = left
      try left.withUnsafeMutableBytes { try source.read(tensor: output, bytes: range, into: $0) }
      try right.withUnsafeMutableBytes {
        try source.read(tensor: embedding, bytes: range, into: $0)
      }
      guard left == right else { throw CheckpointError.tiedOutputDiffers(path: location.path) }
    }
  }
}
