internal import GGUF
internal import JSON
internal import Pack
internal import SystemPackage
internal import Tensors
internal import Tokenization

/// A GGUF file of a known family, seen as the Hugging Face checkpoint it was made of.
///
/// Each expert of a stacked tensor [E, I, H] is a tensor of its own, rows that llama.cpp's converter
/// reordered come back in their old order, and names are the family's. Values keep the type of the
/// file, blocks included, for all of this only moves whole rows. The tensors of a family that is not
/// known stay as they are.
final class GGUFModel: TensorSource {
  /// The tensors by their names in Hugging Face's checkpoints.
  let tensors: [TensorDescriptor]
  /// What each tensor of the file does.
  let filePlaces: [TensorPlace]
  /// What `config.json` would say; nil if the family is not known.
  let configuration: JSONValue?
  /// Which experts are left, and where their matrices are, in a file with factored experts.
  let factored: FactoredKeys?
  let matrices: [PackMatrix]
  /// Why there is no configuration, or why tensors do not fit it.
  let problem: CheckpointError?

  private let contents: GGUFContents
  private let views: [View]

  /// Which bytes of which tensor, and in which order of rows.
  private struct View {
    var tensor: Int
    var byteOffset = 0
    var rows: RotaryRows?
  }

  /// Looks at keys and tensors of a file.
  ///
  /// What is wrong with them is told by ``problem``: such a file can still be listed and copied.
  init(_ contents: GGUFContents) {
    self.contents = contents
    do throws(CheckpointError) {
      let described = try GGUFDescription(contents)
      configuration = .object(described.configuration)
      let found = GGUFModel.views(of: contents, described)
      (tensors, views, filePlaces) = (found.0, found.1, found.2)
      factored = described.factored
      if let keys = described.factored {
        let experts = FactoredExperts(contents, filePlaces, keys, described.configuration)
        matrices = experts.matrices
        problem = found.3 ?? experts.problem
      } else {
        (matrices, problem) = ([], found.3)
      }
    } catch {
      configuration = nil
      (factored, matrices) = (nil, [])
      problem = error
      tensors = contents.source.tensors
      filePlaces = contents.source.tensors.map { _ in TensorPlace(.other) }
      views = contents.source.tensors.indices.map { View(tensor: $0) }
    }
  }

  private static func views(of contents: GGUFContents, _ model: GGUFDescription) -> (
    [TensorDescriptor], [View], [TensorPlace], CheckpointError?
  ) {
    let names = model.names
    let places = contents.source.tensors.map { names.place(of: $0.name) }
    var tensors: [TensorDescriptor] = []
    var views: [View] = []
    var problem: CheckpointError?
    func noStack(_ tensor: TensorDescriptor) {
      problem =
        problem
        ?? .wrongShape(
          path: contents.path,
          tensor: tensor.name,
          expected: [model.experts] + tensor.shape.suffix(2),
          got: tensor.shape
        )
    }
    for (index, place) in places.enumerated() {
      var tensor = contents.source.tensors[index]
      var view = View(tensor: index)
      if place.role.isExpert, model.factored != nil {
        tensor.name = FactoredExperts.name(of: tensor.name, place, model.family.names)
      } else if place.role.isExpert {
        let slices = slices(of: tensor, place)
        if tensor.shape.count == 3, tensor.shape[0] == model.experts, !slices.isEmpty {
          for slice in slices {
            tensors.append(slice.tensor(named: model.family.names.name(of: slice.place)))
            views.append(View(tensor: index, byteOffset: slice.byteOffset))
          }
          continue
        }
        noStack(tensor)
      } else if place.role != .other {
        tensor.name = model.family.names.name(of: place)
        if place.role == .sharedExpertGate, tensor.shape.count == 1 {
          tensor.shape.insert(1, at: 0)
        }
        if let heads = model.reorderedHeads(of: place.role), let rows = tensor.shape.first,
          rows > 0,
          rows % (2 * heads) == 0
        {
          view.rows = RotaryRows(heads: heads, dimension: rows / heads)
        }
      }
      tensors.append(tensor)
      views.append(view)
    }
    return (tensors, views, places, problem)
  }

  /// One expert's matrix inside a stacked tensor.
  private struct Slice {
    var place: TensorPlace
    var stacked: TensorDescriptor
    var byteOffset: Int
    var byteCount: Int
    var shape: [Int]

    func tensor(named name: String) -> TensorDescriptor {
      let start = stacked.fileRange.lowerBound + byteOffset
      return TensorDescriptor(
        name: name,
        type: stacked.type,
        shape: shape,
        fileIndex: stacked.fileIndex,
        fileRange: start..<start + byteCount,
        byteCount: byteCount
      )
    }
  }

  /// The experts of [E, rows, columns]; with gate and up in one tensor, gate rows come first.
  ///
  /// - Returns: None if the tensor is no such stack. One of more experts than bytes is none either: it
  ///   may claim any number of them.
  private static func slices(of tensor: TensorDescriptor, _ place: TensorPlace) -> [Slice] {
    let roles: [TensorRole] =
      place.role == .expertGateUp ? [.expertGate, .expertUp] : [place.role]
    guard tensor.shape.count == 3, (0..<tensor.byteCount).contains(tensor.shape[0] - 1),
      tensor.shape[1] % roles.count == 0
    else { return [] }
    let experts = tensor.shape[0]
    let rows = tensor.shape[1] / roles.count
    let byteCount = tensor.byteCount / (experts * roles.count)
    return (0..<experts).flatMap { expert in
      roles.enumerated().map { number, role in
        Slice(
          place: TensorPlace(role, layer: place.layer, expert: expert),
          stacked: tensor,
          byteOffset: (expert * roles.count + number) * byteCount,
          byteCount: byteCount,
          shape: [rows, tensor.shape[2]]
        )
      }
    }
  }

  func read(
    tensor index: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let view = views[index]
    guard let rows = view.rows else {
      let start = view.byteOffset
      return try contents.source.read(
        tensor: view.tensor,
        bytes: start + range.lowerBound..<start + range.upperBound,
        into: buffer
      )
    }
    let tensor = tensors[index]
    try rows.read(range, rowBytes: tensor.byteCount / tensor.shape[0], into: buffer) {
      try contents.source.read(tensor: view.tensor, bytes: $0, into: $1)
    }
  }

  /// The names of the files that ``auxiliaryFile(_:)`` gives.
  func auxiliaryNames() throws -> [String] {
    try (configuration == nil ? [] : ["config.json"]) + tokenizerFiles().map(\.name)
  }

  /// The tokenizer; nil if there is none.
  func vocabulary() throws -> GGMLVocabulary? {
    try GGMLVocabulary(contents.metadata, file: contents.path.string)
  }

  private func tokenizerFiles() throws -> [(name: String, contents: [UInt8])] {
    try vocabulary()?.huggingFaceFiles(file: contents.path.string) ?? []
  }

  /// A small file of Hugging Face's checkpoints, made from the keys; nil if they say nothing of it.
  func auxiliaryFile(_ name: String) throws -> [UInt8]? {
    if name == "config.json" { return configuration.map { Array($0.text(pretty: true).utf8) } }
    guard name.hasPrefix("tokenizer") else { return nil }
    return try tokenizerFiles().first { $0.name == name }?.contents
  }
}
