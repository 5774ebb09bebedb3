internal import JSON

/// A model family: how its configuration reads and how its tensors are called.
///
/// A new family is one file in this folder, one of its GGUF side, and a line in
/// `Architectures.all`.
protocol Architecture: Sendable {
  /// `model_type` in `config.json`.
  var modelType: String { get }
  /// Its tensor names.
  var names: TensorNames { get }
  /// Reads its configuration.
  func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration

  // MARK: GGUF

  /// `general.architecture` in GGUF files, which several families may share.
  var ggufName: String { get }
  /// Its tensor names in GGUF files; routed experts are stacked there, [E, I, H].
  var ggufNames: TensorNames { get }
  /// Whether llama.cpp's converter reorders the rows of query and key.
  var reordersQueryAndKey: Bool { get }
  /// Whether a file of `ggufName` with these keys is of this family.
  func claims(_ keys: ArchitectureKeys) throws -> Bool
  /// What `config.json` would say, from the keys of a GGUF file.
  func configurationJSON(_ keys: ArchitectureKeys) throws -> JSONObject
  /// The order in which llama.cpp's converter writes the stacks of a layer.
  var stackOrder: [Projection] { get }
  /// Whether llama.cpp needs an output of its own where the embedding serves as one.
  var needsGGUFOutput: Bool { get }
  /// What llama.cpp would not compute as the configuration says, with what helps; nil if nothing.
  func ggufObstacle(_ configuration: ModelConfiguration) -> (reason: String, remedy: String)?
  /// Keys of the family besides those that all decoders have, behind `general.file_type`.
  func ggufParameters(_ configuration: ModelConfiguration) -> [(key: String, value: Int)]
}

/// The families that can be run.
enum Architectures {
  static let all: [any Architecture] = [Mixtral(), Qwen2MoE()]

  /// The family of a configuration, or nil.
  static func of(_ json: JSONValue) -> (any Architecture)? {
    all.first { $0.modelType == json["model_type"]?.string }
  }

  /// The family of a GGUF file, or nil.
  static func of(_ keys: ArchitectureKeys) throws -> (any Architecture)? {
    try all.first { try $0.ggufName == keys.architecture && $0.claims(keys) }
  }

  /// What they are called in GGUF files, for messages.
  static var knownGGUF: String {
    all.map { "\($0.ggufName) as \($0.modelType)" }.joined(separator: ", ")
  }

  /// Their names, for messages.
  static var knownTypes: String { all.map(\.modelType).joined(separator: ", ") }
}
