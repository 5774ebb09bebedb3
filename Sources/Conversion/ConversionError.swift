public import SystemPackage

/// A reason a conversion is not done.
public enum ConversionError: Error, Equatable, CustomStringConvertible {
  /// Output and input are the same, or one lies inside the other.
  case outputInsideInput(output: FilePath, input: FilePath)
  /// Something in the folder that is neither file nor folder, or a link to a folder.
  case specialFile(path: FilePath, reason: String)
  /// A file that is not weights is larger than a pack takes.
  case fileTooLarge(path: FilePath, byteCount: Int, limit: Int)
  /// The destination cannot say what the source says.
  case notExpressible(source: FilePath, reason: String, remedy: String)
  /// A value, or the scale of a block, is larger than the element type can say; `isWeighed` where
  /// importance weights had a part in it.
  case outOfRange(tensor: String, type: String, isWeighed: Bool = false)
  /// Source and destination do not go together.
  case unsupported(reason: String)

  /// What is wrong and what helps.
  public var description: String {
    switch self {
    case .outputInsideInput(let output, let input):
      "\(output): the output is the input or lies inside it (\(input)); choose a place outside"
    case .specialFile(let path, let reason): "\(path): \(reason)"
    case .fileTooLarge(let path, let count, let limit):
      "\(path): \(count) bytes are more than a pack takes for a file that is not weights (\(limit));"
        + " move it out of the folder"
    case .notExpressible(let source, let reason, let remedy): "\(source): \(reason); \(remedy)"
    case .outOfRange(let tensor, let type, let isWeighed):
      "tensor '\(tensor)' has a value too large for \(type)"
        + (isWeighed ? ", or its importance weights are" : "") + "; choose F32 for it"
        + (isWeighed ? ", or leave --imatrix away" : type == "F16" ? ", or BF16" : "")
    case .unsupported(let reason): reason
    }
  }
}
