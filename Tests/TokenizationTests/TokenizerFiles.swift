import Fixtures
import Glibc
import JSON
import Tokenization

/// Finds and reads what the tests compare with.
enum TokenizerFiles {
  /// The models with oracles.
  static let models = [
    "micro-qwen2moe", "small-mixtral", "tiny-deepseek-v2", "tiny-deepseek-v3", "tiny-mixtral",
    "tiny-olmoe", "tiny-qwen2moe", "tiny-qwen3moe",
  ]

  /// The tokenizer of `model`, from the repository or the folder beside it; nil if in neither.
  static func tokenizer(of model: String) -> String? {
    find("\(model)/tokenizer.json", "models/\(model)/tokenizer.json")
  }

  /// The oracle of `model`, from the repository or the folder beside it; nil if in neither.
  static func oracle(of model: String) -> String? {
    find("\(model).json", "oracles/\(model).json")
  }

  private static func find(_ local: String, _ shared: String) -> String? {
    for path in [Fixtures.path(local), Fixtures.path(shared)] where access(path, R_OK) == 0 {
      return path
    }
    return Fixtures.shared(shared)
  }

  /// The JSON document at `path`.
  static func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: bytes(path))
  }

  /// The contents of `path`.
  static func bytes(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw FileMissing(path: path) }
    defer { fclose(file) }
    var contents: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      contents += buffer[..<count]
    }
    return contents
  }

  /// A file that should be there is not.
  struct FileMissing: Error {
    let path: String
  }
}

extension JSONValue {
  /// The ids of an array of numbers.
  var ids: [Int32]? { array.map { $0.compactMap(\.integer).compactMap { Int32(exactly: $0) } } }
}

extension String {
  /// Whether both have the same bytes; `==` would take equivalent characters for equal.
  func isSame(as other: String?) -> Bool {
    other.map { utf8.elementsEqual($0.utf8) } ?? false
  }
}

extension TokenizerDescription {
  /// A tokenizer whose tokens are single letters, the merges given and what they make.
  static func letters(
    _ merges: [(String, String)],
    added: [AddedToken] = [],
    model: (inout BytePair) -> Void = { _ in }
  ) -> TokenizerDescription {
    var texts = "abcdefghijklmnopqrstuvwxyz ".map { String($0) } + ["<unk>"]
    for (left, right) in merges where !texts.contains(left + right) { texts.append(left + right) }
    var pairs = BytePair(merges: merges.map { Merge($0.0, $0.1) })
    model(&pairs)
    return TokenizerDescription(
      file: "test.json",
      model: .bytePair(pairs),
      vocabulary: texts.enumerated().map { Token($0.element, id: Int32($0.offset)) },
      addedTokens: added,
      decoders: [.fuse]
    )
  }
}
