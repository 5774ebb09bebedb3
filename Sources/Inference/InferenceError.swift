/// A reason a forward pass cannot run.
package enum InferenceError: Error, Equatable, CustomStringConvertible {
  /// A token id that the embedding does not have.
  case tokenOutOfRange(id: Int, vocabularySize: Int)

  /// What is wrong and what helps.
  package var description: String {
    switch self {
    case .tokenOutOfRange(let id, let size):
      "token id \(id) is outside the model's vocabulary of \(size); do tokenizer and model belong"
        + " together?"
    }
  }
}
