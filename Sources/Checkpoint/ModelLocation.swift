internal import Storage
public import SystemPackage

/// What a path given as MODEL leads to.
public enum ModelLocation: Sendable, Equatable {
  /// A checkpoint folder.
  case directory(FilePath)
  /// A single safetensors file.
  case safetensors(FilePath)
  /// A GGUF file, or one of its splits.
  case gguf(FilePath)
  /// A pack.
  case pack(FilePath)

  /// Looks at `text` on disk.
  public init(_ text: String) throws {
    let path = FilePath(text)
    switch FileSystem.kind(path) {
    case nil where FileSystem.isLink(path):
      throw CheckpointError.notAModel(path: path, reason: "is a link that leads nowhere")
    case nil:
      throw ModelLocation.looksLikeHubName(text)
        ? CheckpointError.hubName(name: text) : CheckpointError.notFound(path: text)
    case .directory: self = .directory(try ModelLocation.snapshot(of: path))
    case .other:
      throw CheckpointError.notAModel(path: path, reason: "neither a folder nor a regular file")
    case .file: self = try ModelLocation.file(path)
    }
  }

  /// The path itself.
  public var path: FilePath {
    switch self {
    case .directory(let path), .safetensors(let path), .gguf(let path), .pack(let path): path
    }
  }

  private static func file(_ path: FilePath) throws -> ModelLocation {
    let file = try MappedFile(path)
    let start = try file.bytes(0..<min(8, file.byteCount))
    if start.starts(with: "GGUF".utf8) || path.extension == "gguf" { return .gguf(path) }
    if start == [0x89, 0x4D, 0x4F, 0x45, 0x0D, 0x0A, 0x1A, 0x0A] || path.extension == "moepack" {
      return .pack(path)
    }
    if path.extension == "safetensors" { return .safetensors(path) }
    let pickled = ["bin", "pt", "pth", "ckpt"].contains(path.extension ?? "")
    if pickled {
      throw CheckpointError.pickleOnly(path: path, example: path.lastComponent?.string ?? "")
    }
    throw CheckpointError.notAModel(
      path: path,
      reason: "not a model: expected a checkpoint folder, a .safetensors, .gguf or .moepack file"
    )
  }

  private static func looksLikeHubName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { part in
        !part.isEmpty && part != "." && part != ".."
          && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
      }
  }

  /// The snapshot inside a hub cache folder `models--ORG--NAME`; any other folder is itself.
  private static func snapshot(of path: FilePath) throws -> FilePath {
    let snapshots = path.appending("snapshots")
    guard path.lastComponent?.string.hasPrefix("models--") ?? false,
      FileSystem.isDirectory(snapshots)
    else { return path }
    let main = path.appending("refs").appending("main")
    if let bytes = try? FileSystem.contents(of: main, limit: 4096) {
      let name = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
      let isPlain = name.allSatisfy { $0.isHexDigit } && !name.isEmpty
      if isPlain, FileSystem.isDirectory(snapshots.appending(name)) {
        return snapshots.appending(name)
      }
    }
    let names = try FileSystem.names(in: snapshots)
    guard names.count == 1 else { throw CheckpointError.emptyCache(path: path) }
    return snapshots.appending(names[0])
  }
}
