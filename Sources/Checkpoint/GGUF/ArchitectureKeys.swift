internal import GGUF
internal import JSON
internal import SystemPackage

/// Reads the keys of one architecture (`llama.block_count`, …) and refuses by name what makes no
/// sense.
///
/// Of integers every width is taken: other tools write some that llama.cpp would refuse.
struct ArchitectureKeys {
  let metadata: GGUFMetadata
  /// `general.architecture`, the keys' prefix.
  let architecture: String
  let file: FilePath

  /// A whole number from 0; nil where there is none.
  func count(_ key: String) throws -> Int? {
    guard let value = self[key] else { return nil }
    guard let number = value.integer, number >= 0 else {
      throw wrong(key, value, "expected a whole number from 0")
    }
    return number
  }

  /// A whole number that must be there.
  func requiredCount(_ key: String) throws -> Int {
    guard let number = try count(key) else { throw missing(key) }
    return number
  }

  /// A whole number which may be given per layer, if all layers have the same.
  func uniformCount(_ key: String) throws -> Int? {
    guard let array = self[key]?.array else { return try count(key) }
    guard let numbers = array.integers, let first = numbers.first, first >= 0,
      numbers.allSatisfy({ $0 == first })
    else {
      throw error(key, "is a list whose numbers differ", "this family needs the same in all layers")
    }
    return first
  }

  /// A floating-point number; nil where there is none.
  ///
  /// An `f32` becomes the shortest decimal that rounds to it, as 1e-06, for it stood so in the
  /// configuration it was made of.
  func number(_ key: String) throws -> JSONValue? {
    guard let value = self[key] else { return nil }
    if case .float32(let number) = value, number.isFinite { return .number("\(number)") }
    guard let number = value.double ?? value.integer.map(Double.init), number.isFinite else {
      throw wrong(key, value, "expected a finite number")
    }
    return JSONValue(number)
  }

  /// A text; nil where there is none.
  func text(_ key: String) throws -> String? {
    guard let value = self[key] else { return nil }
    guard let text = value.string else { throw wrong(key, value, "expected a text") }
    return text
  }

  /// `rope_scaling`, `rope_theta` as Hugging Face's configurations have them.
  ///
  /// Kinds of scaling that are not known pass through, so that the family's reader refuses them.
  func addRotary(to configuration: inout JSONObject) throws {
    // What llama.cpp takes where there is none, whatever the family's configuration would mean.
    configuration["rope_theta"] = try number("rope.freq_base") ?? .number("10000.0")
    let factor = try number("rope.scaling.factor") ?? number("rope.scale_linear")
    // Old files have a factor alone. Where scaling is switched off, llama.cpp heeds no factor.
    let kind = try text("rope.scaling.type") ?? (factor == nil ? "none" : "linear")
    guard kind != "none" else { return }
    var scaling = JSONObject()
    scaling["rope_type"] = .string(kind)
    scaling["factor"] = factor
    configuration["rope_scaling"] = .object(scaling)
  }

  private subscript(key: String) -> GGUFValue? { metadata["\(architecture).\(key)"] }

  func error(_ key: String, _ got: String, _ expected: String) -> CheckpointError {
    .configuration(file: file.string, key: "\(architecture).\(key)", got: got, expected: expected)
  }

  private func wrong(_ key: String, _ value: GGUFValue, _ expected: String) -> CheckpointError {
    let got = value.integer.map(String.init) ?? value.double.map { "\($0)" }
    return error(key, "is \(got ?? "of type \(value.type.name)")", expected)
  }

  private func missing(_ key: String) -> CheckpointError {
    error(key, "is missing", "this family needs it; was the file made for llama.cpp?")
  }
}
