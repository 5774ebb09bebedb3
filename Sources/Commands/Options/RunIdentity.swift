internal import Checkpoint
internal import Compression
internal import Evaluation
internal import JSON
internal import LinearAlgebra
internal import Storage
internal import SystemPackage
internal import Zstandard

/// What the bytes of a run's output depend on; Formats/journal.md.
enum RunIdentity {
  /// The identity of a run of calibrate, plan or compress.
  ///
  /// - Parameters:
  ///   - command: The command's name.
  ///   - checkpoint: The source.
  ///   - stream: The calibration tokens.
  ///   - options: The choices of the method.
  ///   - files: The run's work files, whose folder is part of it.
  ///   - more: What else the command depends on.
  /// - Returns: The identity.
  /// - Throws: `StorageError` if a file of the source cannot be examined.
  static func of(
    _ command: String,
    _ checkpoint: Checkpoint,
    _ stream: TokenStream,
    _ options: JSONValue,
    _ files: WorkFiles,
    more: JSONObject = JSONObject()
  ) throws -> JSONObject {
    var identity = of(command, source: try checkpoint.sourceIdentity())
    identity["openblas"] = .string(BLASLibrary.description)
    identity["text"] = [
      "sha256": .string(stream.fingerprint), "tokens": JSONValue(stream.ids.count),
      "context": JSONValue(stream.context),
    ]
    identity["option"] = options
    identity["work directory"] = JSONValue(FileSystem.resolved(files.folder)?.string)
    for (key, value) in more.members { identity[key] = value }
    return identity
  }

  /// What every identity has: the command, the source, and the versions of tool and libraries.
  static func of(_ command: String, source: JSONObject) -> JSONObject {
    var identity = JSONObject()
    identity["command"] = .string(command)
    identity["tool"] = .string(Version.tool)
    identity["libzstd"] = .string(ZstandardLibrary.version)
    identity["source"] = .object(source)
    return identity
  }
}
