internal import Checkpoint
internal import GGUF
internal import ImportanceMatrix
internal import Tensors

/// A model of Hugging Face's layout, or a pack, laid out as a GGUF file: experts stacked, rows of query
/// and key in llama.cpp's order, types chosen, factors to be multiplied back.
///
/// Order, names and types equal those of llama.cpp's `convert_hf_to_gguf.py`.
struct GGUFExport {
  /// A tensor of the output and where its parts come from.
  struct Item {
    var layout: TensorLayout
    var parts: [TensorPart]
    /// The type that was asked for, if rows do not fill its blocks.
    var unfilled: ElementType?
    /// Whether its values are encoded in blocks, not copied.
    var isEncoded = false
  }

  private(set) var items: [Item] = []
  /// Experts per layer; with factored experts those of the original model.
  let experts: Int
  /// Which experts are left, if their factors stay factors; nil for a file that llama.cpp runs.
  private(set) var factored: FactoredKeys?
  /// Bytes of the largest matrix that is multiplied back, in Float32.
  private(set) var largestProductBytes = 0
  /// Whether no expert is gone, so that what a name says of their number holds.
  let isWhole: Bool

  private let source: Checkpoint
  private let naming: GGUFNaming
  private let configuration: ModelConfiguration
  private let choice: GGUFTypeChoice
  private let importance: ImportanceMatrix?

  /// Plans the export of `source`.
  ///
  /// - Parameters:
  ///   - source: The model, complete.
  ///   - plan: Experts to keep by layer; nil keeps what the source has.
  ///   - options: What to quantise to, by which importance; which tensors are left out; whether
  ///     factors stay factors, and layers may differ in their experts.
  /// - Throws: `CheckpointError` if the family is not known or tensors are missing,
  ///   ``ConversionError/notExpressible(source:reason:remedy:)`` for what GGUF cannot say.
  init(
    _ source: Checkpoint,
    plan: [Int: [Int]]?,
    _ options: GGUFOptions
  ) throws {
    let isFactored = options.isFactored
    configuration = try source.requireConfiguration()
    try source.requireComplete(ignoring: options.isIgnored ?? { _ in false })
    guard let naming = GGUFNaming(source) else {
      throw CheckpointError.unsupported(path: source.location.path, reason: "no GGUF names")
    }
    if let obstacle = naming.obstacle {
      throw ConversionError.notExpressible(
        source: source.location.path,
        reason: obstacle.reason,
        remedy: obstacle.remedy
      )
    }
    let selection = try ExpertSelection(source, plan: plan, runtime: isFactored ? nil : "llama.cpp")
    experts = isFactored ? configuration.expertCount : selection.count
    isWhole = selection.count == configuration.expertCount
    choice = GGUFTypeChoice(
      model: GGUFTypeChoice.Model(
        layers: configuration.layerCount,
        experts: selection.count,
        headsPerKeyValueHead: configuration.headCount / configuration.keyValueHeadCount,
        isTied: configuration.isTied && !naming.needsOutput
      ),
      fileType: options.fileType,
      overrides: options.overrides,
      hasImportance: options.importance != nil
    )
    self.source = source
    self.naming = naming
    importance = options.importance
    if isFactored { factored = GGUFExport.keys(source, configuration, selection) }
    var stacked: Set<Int> = []
    for (index, place) in source.places.enumerated() {
      // A compressed pack may hold the matrix of an expert twice under one name with a suffix.
      if let layer = place.layer, place.role.isExpert {
        guard stacked.insert(layer).inserted else { continue }
        let kept = selection.kept[layer] ?? []
        try isFactored
          ? addFactors(layer: layer, keeping: kept) : addStacks(layer: layer, keeping: kept)
      } else if source.index(of: place) == index {
        try add(index, place, selection)
      }
    }
    if configuration.isTied, naming.needsOutput, source.index(of: TensorPlace(.output)) == nil,
      let embedding = source.index(of: TensorPlace(.embedding))
    {
      try add(embedding, TensorPlace(.output), selection)
    }
  }

  /// Adds a tensor that is not of experts.
  private mutating func add(_ index: Int, _ place: TensorPlace, _ selection: ExpertSelection) throws
  {
    // A second copy of the embedding, and buffers, which no place has.
    if place.role == .output, configuration.isTied, !naming.needsOutput { return }
    let tensor = source.tensors[index]
    var shape = tensor.shape
    var origin = TensorOrigin.bytes(tensor: index, 0..<tensor.byteCount)
    if place.role == .router, let layer = place.layer {
      let present = source.keptExperts[layer] ?? []
      let kept = selection.kept[layer] ?? []
      if kept != present {
        origin = .rows(tensor: index, kept.compactMap { present.firstIndex(of: $0) })
        shape[0] = kept.count
      }
    } else if let rows = naming.rotaryRows(of: place.role) {
      origin = .rows(tensor: index, rows.orderInGGUF)
    }
    try append(
      naming.name(of: place),
      shape,
      tensor.type,
      [TensorPart(origin: origin)]
    )
  }

  /// Adds the three stacks of a layer.
  private mutating func addStacks(layer: Int, keeping experts: [Int]) throws {
    let present = source.keptExperts[layer] ?? []
    for projection in naming.stackOrder {
      var parts: [TensorPart] = []
      var shape: [Int] = []
      var type = ElementType.bf16
      for expert in experts {
        guard
          let matrix = source.expertMatrix(layer: layer, expert: expert, projection: projection)
        else { continue }
        if parts.isEmpty {
          shape = [experts.count, matrix.rows, matrix.columns]
        }
        let own = DenseExport.originalType(source, layer: layer, matrix: matrix)
        // A stack has one type; where its experts have several, that which holds them all.
        type = parts.isEmpty || own == type ? own : .f32
        if case .factors = matrix.form {
          largestProductBytes = max(largestProductBytes, matrix.rows * matrix.columns * 4)
        }
        parts.append(TensorPart(origin: try source.origin(of: matrix)))
      }
      try append(
        naming.name(of: TensorPlace(projection.role, layer: layer)),
        shape,
        type,
        parts,
        stacked: (experts.compactMap { present.firstIndex(of: $0) }, present.count)
      )
    }
  }

  /// Adds a tensor of the output.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - shape: Its shape, outermost first.
  ///   - source: The type its values have.
  ///   - parts: Where they come from, in order.
  ///   - stacked: For experts, their places among those of the source, and how many these are.
  /// - Throws: `TensorError` if a size overflows, `ImportanceMatrixError` if the weights of its
  ///   columns are of another size.
  private mutating func append(
    _ name: String,
    _ shape: [Int],
    _ source: ElementType,
    _ parts: [TensorPart],
    stacked: (places: [Int], count: Int)? = nil
  ) throws {
    let (type, unfilled) = choice.choose(name: name, shape: shape, source: source)
    var parts = parts
    let partShape = parts.count > 1 || shape.count == 3 ? Array(shape.dropFirst()) : shape
    let partBytes = try type.byteCount(shape: partShape)
    for number in parts.indices {
      parts[number].byteOffset = number * partBytes
      if type.blockElements > 1 {
        parts[number].importance = try importance?.weights(
          for: name,
          expert: stacked?.places[number] ?? 0,
          of: stacked?.count ?? 1,
          columns: shape.last ?? 1
        )
      }
    }
    items.append(
      Item(
        layout: TensorLayout(name: name, type: type, shape: shape),
        parts: parts,
        unfilled: unfilled,
        isEncoded: type.blockElements > 1 && type != source
      )
    )
  }
}

// MARK: - Factored experts

extension GGUFExport {
  /// Which experts are left, and what type they had.
  private static func keys(
    _ source: Checkpoint,
    _ c: ModelConfiguration,
    _ selection: ExpertSelection
  ) -> FactoredKeys {
    let layers = 0..<c.layerCount
    return FactoredKeys(
      kept: layers.map { c.isMixture($0) ? selection.kept[$0] ?? [] : [] },
      types: layers.map { layer in
        guard let expert = selection.kept[layer]?.first,
          let matrix = source.expertMatrix(layer: layer, expert: expert, projection: .gate)
        else { return nil }
        return DenseExport.originalType(source, layer: layer, matrix: matrix)
      }
    )
  }

  /// Adds the experts of a layer one by one, factors as they are.
  private mutating func addFactors(layer: Int, keeping experts: [Int]) throws {
    for expert in experts {
      for projection in naming.stackOrder {
        guard
          let matrix = source.expertMatrix(layer: layer, expert: expert, projection: projection)
        else { continue }
        func name(_ part: String) -> String {
          FactoredKeys.tensorName(projection, layer: layer, expert: expert, part: part)
        }
        switch matrix.form {
        case .dense:
          try append(
            name("weight"),
            [matrix.rows, matrix.columns],
            source.elementType(of: matrix),
            [TensorPart(origin: try source.origin(of: matrix))]
          )
        case .factors(let left, let right, _):
          for (part, index) in [("u", left), ("v", right)] {
            let tensor = source.tensors[index]
            items.append(
              Item(
                layout: TensorLayout(
                  name: name(part),
                  type: GGUFTypeChoice.own(tensor.type),
                  shape: tensor.shape
                ),
                parts: [TensorPart(origin: .bytes(tensor: index, 0..<tensor.byteCount))]
              )
            )
          }
        }
      }
    }
  }
}
