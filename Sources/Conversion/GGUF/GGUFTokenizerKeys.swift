internal import Checkpoint
internal import GGUF

/// The keys of a model's tokenizer in a GGUF file.
enum GGUFTokenizerKeys {
  static func keys(of source: Checkpoint, pre: String?) throws -> [(String, GGUFValue)] { [] }
}
