import Checkpoint
import JSON
import Pack
import Safetensors
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Conversion

/// Converts inside a temporary folder.
struct ConversionFolder {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Converts `source` to `destination`.
  @discardableResult
  func convert(
    _ source: String,
    to destination: String,
    _ kind: ConversionRequest.Kind,
    type: ElementType? = nil,
    shardBytes: Int? = nil,
    plan: [Int: [Int]]? = nil,
    takesAll: Bool = false,
    threads: Int = 1
  ) throws -> ConversionReport {
    let request = ConversionRequest(
      source: try Checkpoint(folder(source).string),
      destination: folder(destination),
      type: type,
      maximumShardBytes: shardBytes,
      plan: plan,
      takesAllFiles: takesAll,
      threads: threads,
      tool: "moepack test"
    )
    return try request.job(for: kind).run(progress: { _ in })
  }

  /// What verifying `path` finds.
  func problems(_ path: String, threads: Int = 2) -> [Verification.Problem] {
    Verification(path: folder(path).string, threads: threads).run(
      begin: { _ in },
      progress: { _ in }
    )
  }

  /// The values of every tensor of a checkpoint, by name.
  func values(_ path: String) throws -> [String: [Float]] {
    let checkpoint = try Checkpoint(folder(path).string)
    var all: [String: [Float]] = [:]
    for (index, tensor) in checkpoint.tensors.enumerated() {
      var values = [Float](repeating: .nan, count: tensor.elementCount)
      try values.withUnsafeMutableBufferPointer { try checkpoint.widen(tensor: index, into: $0) }
      all[tensor.name] = values
    }
    return all
  }

  /// The configuration of a checkpoint folder.
  func configuration(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: folder.bytes(of: "\(path)/config.json"))
  }
}
