/// A failure of libzstd, or of the data given to it.
public enum ZstandardError: Error, Equatable, CustomStringConvertible {
  /// libzstd's own word.
  case library(String)
  /// A frame decodes to another size than was stated.
  case wrongSize(expected: Int, got: UInt64)
  /// Bytes stand behind the frame.
  case trailing(byteCount: Int)

  /// What went wrong.
  public var description: String {
    switch self {
    case .library(let message): "zstd: \(message)"
    case .wrongSize(let expected, let got):
      "zstd: the frame holds \(got == .max ? "an unknown number of" : "\(got)") bytes, expected"
        + " \(expected)"
    case .trailing(let byteCount): "zstd: \(byteCount) bytes stand behind the frame"
    }
  }
}
