public import SystemPackage

/// A reason an importance matrix is not accepted or does not fit a model.
public enum ImportanceMatrixError: Error, Equatable, CustomStringConvertible {
  /// A GGUF file of another kind.
  case otherKind(file: FilePath, type: String?)
  /// A key of the GGUF form is missing or of another type.
  case invalidKey(file: FilePath, key: String, reason: String)
  /// One of an entry's two tensors is missing, or they do not belong together.
  case invalidEntry(file: FilePath, tensor: String, reason: String)
  /// A sum or a count that none can be.
  case impossibleValue(file: FilePath, tensor: String, part: String, index: Int, value: Float)
  /// The bytes of a legacy file do not add up.
  case malformed(file: FilePath, offset: Int, place: String, reason: String)
  /// A legacy file has two entries of a name, compared by bytes.
  case duplicateEntry(file: FilePath, tensor: String)
  /// A file without entries.
  case empty(file: FilePath)
  /// An entry has neither one count nor as many as the tensor it is for has matrices.
  case otherCounts(file: FilePath?, tensor: String, experts: Int, got: Int)
  /// An entry is of another size than the tensor it is for.
  case otherSize(file: FilePath?, tensor: String, expected: Int, got: Int)

  /// What is wrong, where, and what helps.
  public var description: String {
    switch self {
    case .otherKind(let file, let type):
      "\(file): this GGUF file is "
        + (type.map { "of general.type '\($0)'" } ?? "without general.type")
        + ", not an importance matrix; give the output of llama-imatrix or of calibrate --imatrix"
    case .invalidKey(let file, let key, let reason):
      "\(file): the key '\(key)' \(reason); make the file again with llama-imatrix"
    case .invalidEntry(let file, let tensor, let reason):
      "\(file): entry '\(tensor)': \(reason); make the file again with llama-imatrix"
    case .impossibleValue(let file, let tensor, let part, let index, let value):
      "\(file): entry '\(tensor)': \(part) \(index) is \(value), expected a finite number from 0 up;"
        + " was the model or the text broken?"
    case .malformed(let file, let offset, let place, let reason):
      "\(file): byte \(offset): \(place) \(reason); is this an importance matrix, and the download"
        + " complete?"
    case .duplicateEntry(let file, let tensor):
      "\(file): entry '\(tensor)' comes twice; a reader could take either, so none does"
    case .empty(let file):
      "\(file): has no entries; was llama-imatrix stopped before its first chunk?"
    case .otherCounts(let file, let tensor, let experts, let got):
      ImportanceMatrixError.place(file, tensor)
        + " has \(got) counts, the tensor needs \(experts == 1 ? "1" : "1 or \(experts)"); was it made"
        + " from another model?"
    case .otherSize(let file, let tensor, let expected, let got):
      ImportanceMatrixError.place(file, tensor)
        + " has \(got) values, the tensor needs \(expected); was it made from another model?"
    }
  }

  private static func place(_ file: FilePath?, _ tensor: String) -> String {
    (file?.string ?? "importance matrix") + ": entry '\(tensor)'"
  }
}
