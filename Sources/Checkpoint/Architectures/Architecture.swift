internal import JSON

/// A model family: how its configuration reads and how its tensors are called.
///
/// A new family is one file in this folder and a line in `Architectures.all`.
protocol Architecture: Sendable {
  /// `model_type` in `config.json`.
  var modelType: String { get }
  /// Its tensor names.
  var names: TensorNames { get }
  /// Reads its configuration.
  func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration
}

/// The families that can be run.
enum Architectures {
  static let all: [any Architecture] = [Mixtral(), Qwen2MoE()]

  /// The family of a configuration, or nil.
  static func of(_ json: JSONValue) -> (any Architecture)? {
    all.first { $0.modelType == json["model_type"]?.string }
  }

  /// Their names, for messages.
  static var knownTypes: String { all.map(\.modelType).joined(separator: ", ") }
}
