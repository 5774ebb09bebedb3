public import SystemPackage

/// A reason a .moepack file is not accepted.
public enum PackError: Error, Equatable, CustomStringConvertible {
  /// The file does not start as a pack does.
  case notAPack(file: FilePath)
  /// Written by a later, incompatible version.
  case version(file: FilePath, major: Int)
  /// Needs features this version does not have.
  case features(file: FilePath, unknown: UInt64)
  /// The file ends too early or was not finished.
  case incomplete(file: FilePath, reason: String)
  /// Bytes are not what their hash says.
  case damaged(file: FilePath, place: String)
  /// Bytes break a rule of the format.
  case malformed(file: FilePath, place: String, reason: String)
  /// A tensor type the writer cannot take.
  case cannotStore(file: FilePath, name: String, reason: String)

  /// What is wrong, where, and what helps.
  public var description: String {
    switch self {
    case .notAPack(let file): "\(file): not a .moepack file"
    case .version(let file, let major):
      "\(file): format version \(major) is newer than this program reads (1); update moepack"
    case .features(let file, let unknown):
      "\(file): needs features this version does not know (bits 0x\(String(unknown, radix: 16)));"
        + " update moepack"
    case .incomplete(let file, let reason):
      "\(file): \(reason); is the download complete?"
    case .damaged(let file, let place):
      "\(file): \(place) is damaged (its checksum does not fit); copy or make the file again"
    case .malformed(let file, let place, let reason): "\(file): \(place): \(reason)"
    case .cannotStore(let file, let name, let reason): "\(file): '\(name)': \(reason)"
    }
  }
}
