internal import Checkpoint
internal import Tensors

/// A tensor as `diff` sees it: one matrix of one expert, or any other tensor of a model.
struct ComparedTensor {
  /// Its name, in Hugging Face's checkpoints where the family is known.
  var name: String
  /// Sizes, outermost first; of factors those of their product.
  var shape: [Int]
  /// How it is stored; of factors the left one.
  var type: ElementType
  /// Where its values come from.
  var origin: TensorOrigin
  /// What it does.
  var place: TensorPlace

  /// Elements.
  var elementCount: Int { shape.reduce(1, *) }

  /// The type for people, with the rank of factors.
  var typeName: String {
    if case .factors(_, _, let rank, _, _) = origin { return "\(type.name) rank \(rank)" }
    return type.name
  }

  /// Whether any piece can be read without the rest.
  var isContiguous: Bool {
    if case .bytes = origin { true } else { false }
  }
}

/// The tensors of a model in an order and under names that do not depend on its format.
struct ComparedModel {
  let checkpoint: Checkpoint
  /// First what is not an expert's, in the order of the files, then the experts by layer and number.
  private(set) var tensors: [ComparedTensor] = []
  private var indexOfName: [String: Int] = [:]

  /// Lists the tensors of `checkpoint`.
  ///
  /// - Parameters:
  ///   - checkpoint: The model.
  ///   - byPlace: Whether to go by what tensors do, which needs a known family: an expert then has its
  ///     number in the original model, whether it is a tensor of its own, rows of a fused one or
  ///     factors. Otherwise tensors are taken as the files have them.
  /// - Throws: ``CheckpointError/wrongShape(path:tensor:expected:got:)`` if experts or routers have
  ///   other shapes than the configuration says.
  init(_ checkpoint: Checkpoint, byPlace: Bool) throws {
    self.checkpoint = checkpoint
    guard byPlace, let configuration = checkpoint.configuration, let names = checkpoint.names else {
      for index in checkpoint.tensors.indices { add(plain(index, place: TensorPlace(.other))) }
      return
    }
    try checkpoint.requireExpertShapes()
    let (experts, used) = try ComparedModel.experts(of: checkpoint, configuration, names)
    for index in checkpoint.tensors.indices where !used.contains(index) {
      let place = checkpoint.places[index]
      var tensor = plain(index, place: place)
      if place.role != .other, checkpoint.index(of: place) == index {
        tensor.name = names.name(of: place)
      }
      add(tensor)
    }
    for expert in experts { add(expert) }
  }

  /// The tensor called `name`.
  subscript(name: String) -> ComparedTensor? { indexOfName[name].map { tensors[$0] } }

  /// Takes the embedding for the output that a model with tied embeddings does not store.
  mutating func addTiedOutput() {
    guard checkpoint.configuration?.isTied == true, let names = checkpoint.names,
      var output = self[names.name(of: TensorPlace(.embedding))]
    else { return }
    output.name = names.name(of: TensorPlace(.output))
    add(output)
  }

  /// The experts that a router has rows for, by their original numbers; nil if `tensor` is no router
  /// of such a layer.
  func routedExperts(_ tensor: ComparedTensor) -> [Int]? {
    guard tensor.place.role == .router, let layer = tensor.place.layer,
      let kept = checkpoint.keptExperts[layer], tensor.shape.first == kept.count
    else { return nil }
    return kept
  }

  /// Bytes that are read for `elements`; for what is not in pieces, all of them.
  func storedBytes(_ tensor: ComparedTensor, _ elements: Range<Int>) throws -> Int {
    switch tensor.origin {
    case .bytes: try ComparedValues.bytes(elements, tensor.type, from: 0).count
    case .rows(let index, let rows):
      checkpoint.tensors[index].byteCount / max(checkpoint.tensors[index].shape[0], 1) * rows.count
    case .factors(let left, let right, _, _, _):
      checkpoint.tensors[left].byteCount + checkpoint.tensors[right].byteCount
    }
  }

  private mutating func add(_ tensor: ComparedTensor) {
    guard indexOfName[tensor.name] == nil else { return }
    indexOfName[tensor.name] = tensors.count
    tensors.append(tensor)
  }

  private func plain(_ index: Int, place: TensorPlace) -> ComparedTensor {
    let tensor = checkpoint.tensors[index]
    return ComparedTensor(
      name: tensor.name,
      shape: tensor.shape,
      type: tensor.type,
      origin: .bytes(tensor: index, 0..<tensor.byteCount),
      place: place
    )
  }

  /// The matrices of all experts that are there, and the tensors they are in.
  private static func experts(
    of checkpoint: Checkpoint,
    _ configuration: ModelConfiguration,
    _ names: TensorNames
  ) throws -> ([ComparedTensor], Set<Int>) {
    var tensors: [ComparedTensor] = []
    var used: Set<Int> = []
    for layer in configuration.moeLayers {
      for expert in checkpoint.keptExperts[layer] ?? [] {
        for projection in Projection.allCases {
          guard
            let matrix = checkpoint.expertMatrix(
              layer: layer,
              expert: expert,
              projection: projection
            )
          else { continue }
          switch matrix.form {
          case .dense(let tensor, _): used.insert(tensor)
          case .factors(let left, let right, _): used.formUnion([left, right])
          }
          let place = TensorPlace(projection.role, layer: layer, expert: expert)
          tensors.append(
            ComparedTensor(
              name: names.name(of: place),
              shape: [matrix.rows, matrix.columns],
              type: checkpoint.elementType(of: matrix),
              origin: try checkpoint.origin(of: matrix),
              place: place
            )
          )
        }
      }
    }
    return (tensors, used)
  }
}
