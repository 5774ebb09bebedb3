internal import Checkpoint
internal import JSON
internal import Pack
internal import Tensors

/// The tensors of a model written out plainly: factors multiplied back, pruned experts gone and the
/// others renumbered, so that stock runtimes load the result.
struct DenseExport {
  /// A tensor of the output and where its values come from.
  struct Item {
    var layout: TensorLayout
    var origin: TensorOrigin
  }

  let items: [Item]
  /// `config.json` with counts and type as they now are; nil if the source has none.
  let configuration: JSONValue?
  /// Bytes of the largest matrix in Float32, which is what is held at once.
  let largestMatrixBytes: Int

  /// Elements of the longest row, the least that is handled at once.
  var longestRow: Int { items.reduce(0) { max($0, $1.layout.shape.last ?? 0) } }

  /// Plans the export of `source`.
  ///
  /// - Parameters:
  ///   - source: The model.
  ///   - type: Type of the floating-point tensors; nil leaves each its own.
  ///   - plan: Experts to keep by layer, original numbers; nil keeps what the source has.
  /// - Throws: ``ConversionError/notExpressible(source:reason:remedy:)`` if layers keep different
  ///   numbers of experts, `CheckpointError` if an expert's matrix is missing or has another shape
  ///   than the configuration says, or the family is not known and the source is GGUF or a plan given.
  init(_ source: Checkpoint, type: ElementType?, plan: [Int: [Int]]?) throws {
    try source.requireUnscaledWeights { DenseExport.outputType($0.type, type) != $0.type }
    guard let c = source.configuration, let names = source.names else {
      // A family that is not known: tensors as they are, types changed if asked. What a GGUF file of
      // such a family says of its model would be lost.
      if plan != nil || source.ggufContents != nil { _ = try source.requireConfiguration() }
      items = try source.tensors.indices.map { try DenseExport.plain($0, source, type) }
      configuration = DenseExport.retyped(source.configurationJSON, type)
      largestMatrixBytes = 0
      return
    }
    try source.requireExpertShapes()
    let selection = try ExpertSelection(source, plan: plan, runtime: "transformers")
    let kept = selection.kept
    let isPruned = selection.count != c.expertCount
    var items: [Item] = []
    for index in source.tensors.indices {
      let place = source.places[index]
      guard let layer = place.layer, let experts = kept[layer],
        place.role.isExpert || place.role == .router
      else {
        items.append(try DenseExport.plain(index, source, type))
        continue
      }
      if place.role == .router {
        items.append(try DenseExport.router(index, source, type, layer: layer, experts: experts))
      } else if source.isFused(layer: layer) {
        items.append(
          try DenseExport.fused(index, source, type, keeps: experts, all: c.expertCount)
        )
      }
    }
    var largest = 0
    for layer in c.moeLayers where !source.isFused(layer: layer) {
      for (number, expert) in (kept[layer] ?? []).enumerated() {
        for projection in Projection.allCases {
          let place = TensorPlace(projection.role, layer: layer, expert: number)
          guard
            let matrix = source.expertMatrix(layer: layer, expert: expert, projection: projection)
          else {
            throw CheckpointError.missingTensors(
              path: source.location.path,
              names: [names.name(of: place)],
              count: 1
            )
          }
          let stored = DenseExport.originalType(source, layer: layer, matrix: matrix)
          items.append(
            Item(
              layout: TensorLayout(
                name: names.name(of: place),
                type: DenseExport.outputType(stored, type),
                shape: [matrix.rows, matrix.columns]
              ),
              origin: try source.origin(of: matrix)
            )
          )
          largest = max(largest, matrix.rows * matrix.columns * 4)
        }
      }
    }
    self.items = items.sorted { $0.layout.name.utf8.lexicographicallyPrecedes($1.layout.name.utf8) }
    largestMatrixBytes = largest
    configuration = try DenseExport.altered(
      source.configurationJSON,
      c,
      experts: isPruned ? selection.count : nil,
      type: type
    )
  }

  private static func plain(_ index: Int, _ source: Checkpoint, _ type: ElementType?) throws -> Item
  {
    let tensor = source.tensors[index]
    return Item(
      layout: TensorLayout(
        name: tensor.name,
        type: outputType(tensor.type, type),
        shape: tensor.shape
      ),
      origin: .bytes(tensor: index, 0..<tensor.byteCount)
    )
  }

  /// Floating-point tensors change their type, others keep it. Blocks, which safetensors does not have,
  /// become F16 where nothing else is asked for.
  private static func outputType(_ source: ElementType, _ wanted: ElementType?) -> ElementType {
    if !source.isSafetensors, source.isComputable { return wanted ?? .f16 }
    return source.isComputable ? wanted ?? source : source
  }

  private static func router(
    _ index: Int,
    _ source: Checkpoint,
    _ type: ElementType?,
    layer: Int,
    experts: [Int]
  ) throws -> Item {
    let present = source.keptExperts[layer] ?? []
    var item = try plain(index, source, type)
    guard experts != present else { return item }
    let rows = experts.compactMap { present.firstIndex(of: $0) }
    item.origin = .rows(tensor: index, rows)
    item.layout.shape[0] = rows.count
    return item
  }

  private static func fused(
    _ index: Int,
    _ source: Checkpoint,
    _ type: ElementType?,
    keeps experts: [Int],
    all: Int
  ) throws -> Item {
    var item = try plain(index, source, type)
    guard experts.count != all else { return item }
    item.origin = .rows(tensor: index, experts)
    item.layout.shape[0] = experts.count
    return item
  }

  /// The type the matrix had before it was factored, which compressed models note per layer.
  static func originalType(_ source: Checkpoint, layer: Int, matrix: ExpertMatrix)
    -> ElementType
  {
    let type = source.elementType(of: matrix)
    guard case .factors = matrix.form else { return type }
    return source.originalExpertType(layer: layer) ?? type
  }

  /// Expert count, top-k and type as they are now.
  private static func altered(
    _ json: JSONValue?,
    _ c: ModelConfiguration,
    experts: Int?,
    type: ElementType?
  ) throws -> JSONValue? {
    guard case .object(var object)? = json else { return json }
    if let experts {
      object[c.expertCountKey] = JSONValue(experts)
      if experts < c.topK { object[c.topKKey] = JSONValue(experts) }
    }
    return retyped(.object(object), type)
  }

  /// The configuration with the name of the new element type.
  private static func retyped(_ json: JSONValue?, _ type: ElementType?) -> JSONValue? {
    guard case .object(var object)? = json else { return json }
    let word: String? =
      switch type {
      case .f32: "float32"
      case .f16: "float16"
      case .bf16: "bfloat16"
      case .f64: "float64"
      default: nil
      }
    if let word {
      for key in ["dtype", "torch_dtype"] where object[key] != nil { object[key] = .string(word) }
    }
    return .object(object)
  }
}

extension Checkpoint {
  /// Where the values of an expert's matrix come from.
  func origin(of matrix: ExpertMatrix) throws -> TensorOrigin {
    switch matrix.form {
    case .dense(let tensor, let offset):
      do throws(TensorError) {
        let bytes = try tensors[tensor].type.byteCount(shape: [matrix.rows, matrix.columns])
        return .bytes(tensor: tensor, offset..<offset + bytes)
      } catch {
        throw CheckpointError.wrongType(
          path: location.path,
          tensor: tensors[tensor].name,
          reason: error.description
        )
      }
    case .factors(let left, let right, let rank):
      return .factors(
        left: left,
        right: right,
        rank: rank,
        rows: matrix.rows,
        columns: matrix.columns
      )
    }
  }
}
