public import SystemPackage

/// A reason a change of GGUF metadata is not made.
public enum GGUFEditError: Error, Equatable, CustomStringConvertible {
  /// A key is to be changed twice.
  case keyTwice(key: String)
  /// A key that may not be changed in this way.
  case guarded(key: String, reason: String)
  /// A text is no value of the type it must have; the file is known where the type is its.
  case unreadableValue(file: FilePath?, key: String, type: String, reason: String)
  /// A key that is to be removed or renamed is not there.
  case missingKey(file: FilePath, key: String, near: [String])
  /// The new name of a key is that of another.
  case keyExists(file: FilePath, key: String, old: String)
  /// A new key was given no type.
  case typeNeeded(file: FilePath, key: String, near: [String])
  /// A file with a chat template is none.
  case badTemplate(file: FilePath, reason: String)

  /// What is wrong and what helps.
  public var description: String {
    switch self {
    case .keyTwice(let key): "the key '\(key)' is to be changed twice; name every key once"
    case .guarded(let key, let reason): "'\(key)' \(reason)"
    case .unreadableValue(let file, let key, let type, let reason):
      (file.map { "\($0): " } ?? "") + "the value of '\(key)' is to be of type \(type): \(reason)"
    case .missingKey(let file, let key, let near):
      "\(file): there is no key '\(key)'"
        + (near.isEmpty ? "; 'moepack inspect' lists all" : GGUFEditError.suggestion(near))
    case .keyExists(let file, let key, let old):
      "\(file): the key '\(key)' is there already, so '\(old)' cannot take its name; remove it first,"
        + " in a run of its own"
    case .typeNeeded(let file, let key, let near):
      "\(file): there is no key '\(key)'" + GGUFEditError.suggestion(near)
        + "; a new key needs its type: --set '\(key):TYPE=VALUE', where TYPE is one of"
        + " \(GGUFTypeName.names.joined(separator: " ")), in brackets for an array"
    case .badTemplate(let file, let reason): "\(file): the chat template \(reason)"
    }
  }

  private static func suggestion(_ near: [String]) -> String {
    near.isEmpty ? "" : "; similar: " + near.map { "'\($0)'" }.joined(separator: ", ")
  }
}
