package import SystemPackage

/// A reason text or ids cannot be used, or an evaluation cannot be made.
package enum EvaluationError: Error, Equatable, CustomStringConvertible {
  /// The file is neither `.txt` nor `.jsonl`.
  case unknownTextKind(file: FilePath)
  /// The text is not UTF-8.
  case notUTF8(file: FilePath, line: Int?)
  /// A line of a `.jsonl` is not an object with a string `text`.
  case malformedLine(file: FilePath, line: Int, reason: String)
  /// A file of ids is not a flat list of token ids.
  case malformedIDs(file: FilePath, offset: Int, expected: String)
  /// A file of ids names a token that the model does not have; `position` counts from zero.
  case unknownID(file: FilePath, id: Int, position: Int, vocabularySize: Int)
  /// The model has no tokenizer, so text cannot be read.
  case noTokenizer(model: String)
  /// A special token of the configuration is not in the vocabulary.
  case unknownSpecialToken(file: String, key: String, token: String)
  /// Fewer tokens than one window.
  case tooShort(source: String, tokens: Int, context: Int)
  /// The saved logits are of another shape or of other ids.
  case otherLogits(file: FilePath, reason: String)
  /// The two models do not share a vocabulary.
  case otherVocabulary(expected: Int, got: Int)

  /// What is wrong and what helps.
  package var description: String {
    switch self {
    case .unknownTextKind(let file):
      "\(file): text must be a .txt (one document) or a .jsonl (an object with 'text' per line)"
    case .notUTF8(let file, let line):
      "\(file): \(line.map { "line \($0): " } ?? "")not valid UTF-8; convert the file first"
    case .malformedLine(let file, let line, let reason): "\(file): line \(line): \(reason)"
    case .malformedIDs(let file, let offset, let expected):
      "\(file): byte \(offset): expected \(expected)"
    case .unknownID(let file, let id, let position, let size):
      "\(file): id \(id), at position \(position), is outside the model's vocabulary of \(size); are the"
        + " ids of another tokenizer?"
    case .noTokenizer(let model):
      "\(model): there is no tokenizer.json, so text cannot be read; give token ids with --ids"
    case .unknownSpecialToken(let file, let key, let token):
      "\(file): \(key) '\(token)' is not in the vocabulary; do the files belong together?"
    case .tooShort(let source, let tokens, let context):
      "\(source): \(tokens) tokens are fewer than one window of \(context); give a longer text or a"
        + " smaller --context"
    case .otherLogits(let file, let reason): "\(file): \(reason)"
    case .otherVocabulary(let expected, let got):
      "the two models have vocabularies of \(expected) and \(got) tokens and cannot be compared"
    }
  }
}
