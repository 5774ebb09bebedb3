import Fixtures
import Testing

/// Inputs that several suites use, small enough to run often.
enum Sample {
  static let micro = Fixtures.path("models/micro-qwen2moe")
  static let mixtral = Fixtures.path("models/tiny-mixtral")
  static let calibration = Fixtures.path("text/calibration.jsonl")
  static let heldout = Fixtures.path("text/heldout.jsonl")

  /// Text options that make calibration short.
  static let short = ["--tokens", "1024", "--context", "128"]

  /// A copy of the micro model in a folder of its own.
  static func copy(in scratch: ScratchFolder, as name: String = "model") throws -> String {
    try scratch.copy(micro, as: name)
  }

  /// Compresses the micro model, with as many experts in every layer.
  static func compressUniformly(to pack: String) throws {
    try Moepack.succeed(["compress", micro, "-o", pack, "--uniform", "--prune", "0.25"] + short)
  }

  /// Replaces `old` by `new` in a text file of a folder.
  static func edit(_ file: String, in scratch: ScratchFolder, _ old: String, _ new: String) throws {
    let text = String(decoding: try ScratchFolder.bytes(of: scratch(file)), as: UTF8.self)
    guard let range = text.firstRange(of: old) else { throw ScratchError(call: old, path: file) }
    try scratch.write(file, text.replacingCharacters(in: range, with: new))
  }
}

extension String {
  /// A copy with `range` replaced.
  func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
