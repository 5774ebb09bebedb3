public import JSON
internal import GGUF
internal import Pack
internal import Safetensors
internal import Storage
internal import SystemPackage

extension Checkpoint {
  /// What a run that goes on must find again: the fingerprint, every file of weights by name, size
  /// and time of last change, every small file by checksum. No path.
  ///
  /// - Returns: Name and identity of each file, and the model's fingerprint.
  /// - Throws: `StorageError` if a file cannot be examined.
  public func sourceIdentity() throws -> JSONObject {
    var identity = JSONObject()
    identity["model"] = .string(fingerprint)
    let weights: [FilePath] =
      switch format {
      case .safetensors(let collection): collection.files.map(\.path)
      case .gguf(let collection): collection.files.map(\.path)
      case .pack: [location.path]
      }
    for path in weights {
      let time = try FileSystem.changeTime(path)
      identity[path.lastComponent?.string ?? path.string] = .string(
        "\(FileSystem.byteCount(path) ?? 0) bytes, changed at \(time)"
      )
    }
    guard case .directory = location else { return identity }
    for name in try ModelFiles(self).names {
      let bytes = try auxiliaryFile(name) ?? []
      identity[name] = .string("checksum \(String(Checksum.of(bytes), radix: 16))")
    }
    return identity
  }
}
