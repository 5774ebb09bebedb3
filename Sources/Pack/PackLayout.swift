/// The constants of Formats/moepack.md.
enum PackLayout {
  static let magic: [UInt8] = [0x89, 0x4D, 0x4F, 0x45, 0x0D, 0x0A, 0x1A, 0x0A]
  static let major: UInt16 = 1
  static let minor: UInt16 = 0
  static let headerBytes = 64
  static let footerBytes = 160
  static let chunkRecordBytes = 32
  /// Decoded bytes the writer puts into one chunk.
  static let chunkBytes = 1 << 20
  /// Decoded bytes a reader accepts in one chunk.
  static let chunkLimit = 16 << 20
  /// Decoded bytes of a plain file or a safetensors header, which are held in memory.
  static let contentLimit = 100_000_000
  static let sectionLimit = 1 << 30
  /// Bytes of the model section, which takes many times as many in memory.
  static let modelLimit = 32 << 20
  static let alignment = 8
  static let sectionNames = ["parts", "chunks", "matrices", "files", "model"]
  /// Required features.
  static let matrixTable: UInt64 = 1
  static let prunedExperts: UInt64 = 2
  static let codedWords: UInt64 = 4
  static let ggufFile: UInt64 = 8
  static let knownFeatures = matrixTable | prunedExperts | codedWords | ggufFile
  static let noFile = UInt32.max

  static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }
}

/// What a part holds.
public enum PackPartKind: UInt8, Sendable {
  /// A tensor.
  case tensor = 0
  /// A file other than safetensors.
  case file = 1
  /// The header text of a safetensors file.
  case header = 2
}

/// The projections of an expert.
public enum PackProjection: UInt8, Sendable, CaseIterable {
  /// Gate, [expert width, hidden].
  case gate = 0
  /// Up, [expert width, hidden].
  case up = 1
  /// Down, [hidden, expert width].
  case down = 2
}

/// A matrix of an expert by its parts.
public struct PackMatrix: Sendable, Equatable {
  /// How parts make the matrix.
  public enum Form: UInt8, Sendable {
    /// One part, the matrix itself.
    case dense = 1
    /// Two parts, Uᵀ [r, m] and V [r, n].
    case factors = 2
  }

  /// Decoder layer.
  public var layer: Int
  /// The expert's number in the original model.
  public var expert: Int
  /// Which of its matrices.
  public var projection: PackProjection
  /// How its parts make it.
  public var form: Form
  /// Outputs, m.
  public var rows: Int
  /// Inputs, n.
  public var columns: Int
  /// Numbers of its parts.
  public var parts: [Int]

  /// Describes a matrix.
  public init(
    layer: Int,
    expert: Int,
    projection: PackProjection,
    form: Form,
    rows: Int,
    columns: Int,
    parts: [Int]
  ) {
    self.layer = layer
    self.expert = expert
    self.projection = projection
    self.form = form
    self.rows = rows
    self.columns = columns
    self.parts = parts
  }
}

/// A file that the pack holds.
public struct PackFile: Sendable, Equatable {
  /// Its path, relative.
  public var path: String
  /// How it is kept.
  public var kind: Kind
  /// Number of the part with its content, or its header.
  public var part: Int

  /// Describes a file.
  public init(path: String, kind: Kind, part: Int) {
    self.path = path
    self.kind = kind
    self.part = part
  }

  /// How a file is kept.
  public enum Kind: UInt8, Sendable {
    /// As it is.
    case plain = 0
    /// A safetensors file, rebuilt from its header and tensors.
    case safetensors = 1
    /// A GGUF file, rebuilt from its header and tensors.
    case gguf = 2
  }

  /// Whether `path` stays inside the folder it is unpacked into.
  public static func isSafe(_ path: String) -> Bool {
    let components = path.split(separator: "/", omittingEmptySubsequences: false)
    return !path.isEmpty && components.allSatisfy { $0 != "" && $0 != "." && $0 != ".." }
      && !path.unicodeScalars.contains { $0 == "\\" || $0.value < 0x20 || $0.value == 0x7F }
  }
}
