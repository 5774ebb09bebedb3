public import GGUF
public import JSON
internal import Storage
public import Pack
public import Safetensors
public import SystemPackage
public import Tensors
package import Tokenization

/// An opened model: descriptors, configuration, and a role for every tensor. No weights.
public final class Checkpoint: Sendable {
  /// Where the tensors come from.
  public enum Format: Sendable {
    /// One or more safetensors files.
    case safetensors(SafetensorsCollection)
    /// A GGUF file, whole or in splits.
    case gguf(GGUFCollection)
    /// A pack.
    case pack(PackReader)

    /// The word for it in JSON.
    public var name: String {
      switch self {
      case .safetensors: "safetensors"
      case .gguf: "gguf"
      case .pack: "moepack"
      }
    }
  }

  /// What was given.
  public let location: ModelLocation
  /// The opened files.
  public let format: Format
  /// `config.json`, if there is one.
  public let configurationJSON: JSONValue?
  /// The configuration, if the family is known and its values make sense.
  public let configuration: ModelConfiguration?
  /// Why `configuration` is nil.
  public let problem: CheckpointError?
  /// What each tensor does, in the order of `tensors`.
  public let places: [TensorPlace]
  /// Names of the family's tensors.
  public let names: TensorNames?
  /// The tensors as the files list them; other than `tensors` only for GGUF, where the experts of a
  /// layer are one tensor.
  public let fileTensors: [TensorDescriptor]
  /// What each of `fileTensors` does.
  public let filePlaces: [TensorPlace]
  /// What holds the tensors.
  public let source: any TensorSource
  /// The GGUF file that this is, or that the pack holds; nil for others.
  public let ggufContents: GGUFContents?
  /// Experts left in each MoE layer, by their number in the original model.
  public let keptExperts: [Int: [Int]]
  /// What is added to the experts' matrices when they are loaded; nil for nothing.
  public let adapter: LoRAAdapter?
  /// Odd things that do no harm.
  public let warnings: [String]

  private let gguf: GGUFModel?
  private let indexOfPlace: [TensorPlace: Int]
  private let matrixOfExpert: [MatrixKey: PackMatrix]

  struct MatrixKey: Hashable {
    var layer: Int
    var expert: Int
    var projection: Projection
  }

  /// Opens the model at `path`, with a LoRA adapter for its experts if one is named.
  public convenience init(_ path: String, adapter: FilePath? = nil) throws {
    let location = try ModelLocation(path)
    let format: Format =
      switch location {
      case .directory(let folder): .safetensors(try CheckpointFolder(folder).open())
      case .safetensors(let file): .safetensors(try SafetensorsCollection(file: file))
      case .gguf(let file): .gguf(try GGUFCollection(file))
      case .pack(let file): .pack(try PackReader(file))
      }
    try self.init(location, format, adapter: adapter)
  }

  private init(_ location: ModelLocation, _ format: Format, adapter: FilePath?) throws {
    self.location = location
    self.format = format
    switch format {
    case .safetensors(let collection):
      ggufContents = nil
      warnings = collection.warnings
    case .gguf(let collection):
      ggufContents = GGUFContents(collection)
      warnings = collection.warnings
    case .pack(let pack):
      ggufContents = try GGUFContents(pack)
      warnings = []
    }
    gguf = ggufContents.map { GGUFModel($0) }
    source =
      switch format {
      case .safetensors(let collection): collection
      case .gguf(let collection): gguf ?? collection
      case .pack(let pack): gguf ?? pack
      }
    let configurationName = Checkpoint.describe("config.json", in: location)
    if let gguf {
      configurationJSON = gguf.configuration
    } else {
      let text = try Checkpoint.auxiliaryFile("config.json", location, format)
      configurationJSON = try text.map { text in
        do { return try JSONValue(parsing: text) } catch let error as JSONError {
          throw CheckpointError.malformedFile(file: configurationName, reason: error.description)
        }
      }
    }
    let architecture = configurationJSON.flatMap { Architectures.of($0) }
    var configuration: ModelConfiguration?
    var problem = gguf?.problem
    if problem == nil, let json = configurationJSON, let architecture {
      do {
        configuration = try architecture.configuration(
          ConfigurationReader(json: json, file: configurationName)
        )
      } catch let error as CheckpointError { problem = error }
    } else if problem == nil {
      let type = configurationJSON?["model_type"]?.string
      problem = .unsupported(
        path: location.path,
        reason: configurationJSON == nil
          ? "there is no config.json beside the weights, so the family is unknown"
          : "model_type \(type.map { "'\($0)'" } ?? "(none)") is not a family this version runs"
            + " (\(Architectures.knownTypes)); inspect, verify and convert to .moepack work on it"
      )
    }
    self.configuration = configuration
    self.problem = problem
    let names = configuration == nil ? nil : architecture?.names
    self.names = names
    var matrices: [PackMatrix] = []
    var kept: [Int: [Int]] = [:]
    if let gguf, let factored = gguf.factored, let configuration {
      matrices = gguf.matrices
      for layer in configuration.moeLayers {
        kept[layer] = factored.kept[layer]
        if factored.kept[layer].isEmpty {
          throw CheckpointError.unsupported(
            path: location.path,
            reason: "'moepack.expert_count' leaves layer \(layer) no expert; was the file damaged?"
          )
        }
      }
    } else if case .pack(let pack) = format {
      matrices = pack.matrices
      if let configuration { kept = try Checkpoint.expertTable(of: pack, configuration) }
    }
    if let configuration, kept.isEmpty {
      for layer in configuration.moeLayers { kept[layer] = Array(0..<configuration.expertCount) }
    }
    keptExperts = kept
    self.adapter = try adapter.map { file in
      guard let configuration, let architecture else {
        throw problem ?? CheckpointError.notAModel(path: location.path, reason: "no configuration")
      }
      var names: Set<String>?
      if case .gguf(let collection) = format { names = Set(collection.tensors.map(\.name)) }
      return try LoRAAdapter(
        file,
        for: LoRAAdapter.Base(
          path: location.path,
          family: architecture,
          configuration: configuration,
          experts: kept.mapValues(\.count),
          tensorNames: names
        )
      )
    }
    let tensors = source.tensors
    places = tensors.map { tensor in
      let base = tensor.name.split(separator: "#", maxSplits: 1).first.map(String.init)
      return names?.place(of: base ?? tensor.name) ?? TensorPlace(.other)
    }
    if let gguf, let ggufContents {
      (fileTensors, filePlaces) = (ggufContents.source.tensors, gguf.filePlaces)
    } else {
      (fileTensors, filePlaces) = (tensors, places)
    }
    var indexOfPlace: [TensorPlace: Int] = [:]
    for (index, place) in places.enumerated() where place.role != .other {
      if !tensors[index].name.contains("#") { indexOfPlace[place] = index }
    }
    self.indexOfPlace = indexOfPlace
    var matrixOfExpert: [MatrixKey: PackMatrix] = [:]
    for matrix in matrices {
      let key = MatrixKey(
        layer: matrix.layer,
        expert: matrix.expert,
        projection: Projection(matrix.projection)
      )
      matrixOfExpert[key] = matrix
    }
    self.matrixOfExpert = matrixOfExpert
  }

  // MARK: - Tensors

  /// All tensors.
  public var tensors: [TensorDescriptor] { source.tensors }

  /// Bytes of the largest tensor, decoded.
  public var largestTensorBytes: Int { tensors.reduce(0) { max($0, $1.byteCount) } }

  /// Position of the tensor at `place`, or nil.
  public func index(of place: TensorPlace) -> Int? { indexOfPlace[place] }

  /// Which experts a GGUF file with factored experts has left; nil for any other model.
  public var factored: FactoredKeys? { gguf?.factored }

  /// The type that the experts of a layer had before they were factored, where the model says so.
  public func originalExpertType(layer: Int) -> ElementType? {
    if let factored { return factored.types.indices.contains(layer) ? factored.types[layer] : nil }
    guard case .pack(let pack) = format,
      let entry = pack.model["layers"]?.array?.first(where: { $0["layer"]?.integer == layer }),
      let name = entry["type"]?.string
    else { return nil }
    let type = ElementType(name: name)
    return type.isComputable ? type : nil
  }

  /// How the pack stores an expert's matrix, if it does so in a form of its own.
  func packMatrix(layer: Int, expert: Int, projection: Projection) -> PackMatrix? {
    matrixOfExpert[MatrixKey(layer: layer, expert: expert, projection: projection)]
  }

  /// The configuration, or the error that says why there is none.
  public func requireConfiguration() throws -> ModelConfiguration {
    if let configuration { return configuration }
    throw problem ?? .notAModel(path: location.path, reason: "no configuration")
  }

  // MARK: - Files

  /// A small file that belongs to the model (tokenizer.json and the like), or nil.
  ///
  /// For GGUF, what its keys say in the words of Hugging Face's files.
  public func auxiliaryFile(_ name: String) throws -> [UInt8]? {
    try gguf.map { try $0.auxiliaryFile(name) }
      ?? Checkpoint.auxiliaryFile(name, location, format)
  }

  /// Names of the files in a folder inside the model's folder or pack, ascending; none if there is no
  /// such folder.
  public func names(in folder: String) throws -> [String] {
    let names: [String]
    switch (location, format) {
    case (.directory(let root), _):
      let path = root.appending(folder)
      guard FileSystem.isDirectory(path) else { return [] }
      names = try FileSystem.names(in: path).filter {
        FileSystem.kind(path.appending($0)) == .file
      }
    case (_, .pack(let pack)):
      let prefix = folder + "/"
      names = pack.files.filter { $0.kind == .plain && $0.path.hasPrefix(prefix) }
        .map { String($0.path.dropFirst(prefix.count)) }.filter { !$0.contains("/") }
    default: names = []
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Names of the files that are made from the keys of a GGUF file.
  func madeFiles() throws -> [String] { try gguf?.auxiliaryNames() ?? [] }

  /// The tokenizer of a GGUF file; nil if it has none, and for other formats.
  package func ggmlVocabulary() throws -> GGMLVocabulary? { try gguf?.vocabulary() }

  /// How to name such a file in a message.
  public func describe(_ name: String) -> String { Checkpoint.describe(name, in: location) }

  private static func auxiliaryFile(_ name: String, _ location: ModelLocation, _ format: Format)
    throws -> [UInt8]?
  {
    switch (location, format) {
    case (.directory(let folder), _):
      let path = folder.appending(name)
      guard FileSystem.kind(path) == .file else { return nil }
      return try FileSystem.contents(of: path, limit: auxiliaryLimit(name))
    case (_, .pack(let pack)):
      guard let file = pack.files.first(where: { $0.path == name && $0.kind == .plain }) else {
        return nil
      }
      let byteCount = pack.contentByteCount(of: file)
      guard byteCount <= auxiliaryLimit(name) else {
        throw StorageError.tooLarge(
          path: FilePath(describe(name, in: location)),
          byteCount: byteCount,
          limit: auxiliaryLimit(name)
        )
      }
      return try pack.contents(of: file)
    default: return nil
    }
  }

  /// The most bytes of a file that is taken into memory. JSON takes many times as many there, and
  /// inside a pack a few kilobytes can claim any number; the largest configurations known have 2 MB,
  /// the largest vocabularies 35 MB.
  private static func auxiliaryLimit(_ name: String) -> Int {
    switch name {
    case "config.json", "generation_config.json", "tokenizer_config.json": 16 << 20
    default: 128 << 20
    }
  }

  private static func describe(_ name: String, in location: ModelLocation) -> String {
    switch location {
    case .directory(let folder): folder.appending(name).string
    case .safetensors(let path), .gguf(let path), .pack(let path): "\(path): \(name)"
    }
  }

  // MARK: - Expert table

  /// The kept experts of a compressed pack, checked against its configuration.
  private static func expertTable(of pack: PackReader, _ configuration: ModelConfiguration) throws
    -> [Int: [Int]]
  {
    guard let layers = pack.model["layers"]?.array else { return [:] }
    func malformed(_ reason: String) -> PackError {
      .malformed(file: pack.path, place: "model section", reason: reason)
    }
    var kept: [Int: [Int]] = [:]
    for entry in layers {
      guard let layer = entry["layer"]?.integer, let list = entry["kept"]?.array?.map(\.integer),
        configuration.isMixture(layer)
      else { throw malformed("a layer without its number or its kept experts") }
      let experts = list.compactMap { $0 }
      guard experts.count == list.count, experts.count >= min(configuration.topK, list.count),
        !experts.isEmpty, zip(experts, experts.dropFirst()).allSatisfy(<), experts[0] >= 0,
        experts[experts.count - 1] < configuration.expertCount
      else { throw malformed("the kept experts of layer \(layer) are not a set of experts") }
      guard kept.updateValue(experts, forKey: layer) == nil else {
        throw malformed("layer \(layer) is there twice")
      }
    }
    guard kept.count == configuration.moeLayers.count else {
      throw malformed("it does not list every layer with experts")
    }
    return kept
  }
}

extension Projection {
  /// From the pack's word.
  public init(_ projection: PackProjection) {
    switch projection {
    case .gate: self = .gate
    case .up: self = .up
    case .down: self = .down
    }
  }

  /// The pack's word.
  public var packed: PackProjection {
    switch self {
    case .gate: .gate
    case .up: .up
    case .down: .down
    }
  }
}
