import Fixtures
import Safetensors
import SystemPackage
import TestSupport
import Testing

@testable import Tensors

/// Blocks by ggml's encoders with the values that the `gguf` package decodes them to.
struct BlockOracle: CustomTestStringConvertible {
  let path: String
  private let reader: SafetensorsReader

  init(_ path: String) throws {
    self.path = path
    reader = try SafetensorsReader(FilePath(path))
  }

  /// Three rows of it in Fixtures, and where there is a folder `shared`, all of it.
  static let all: [BlockOracle] = {
    var paths = [Fixtures.path("oracles/blocks-small.safetensors")]
    if let whole = Fixtures.shared("oracles/blocks.safetensors") {
      paths.append(whole)
    } else {
      print("SKIPPED: no oracles/blocks.safetensors in ../shared")
    }
    return paths.compactMap { try? BlockOracle($0) }
  }()

  var testDescription: String { String(path.split(separator: "/").last ?? "") }

  func bytes(_ name: String) throws -> [UInt8] {
    let index = try #require(reader.tensors.firstIndex { $0.name == name }, "\(name) in \(path)")
    return try reader.bytes(ofTensor: index)
  }

  func floats(_ name: String) throws -> [Float] {
    let bytes = try bytes(name)
    return stride(from: 0, to: bytes.count, by: 4).map {
      Float(bitPattern: bytes.integer(UInt32.self, at: $0))
    }
  }

  func has(_ name: String) -> Bool { reader.tensors.contains { $0.name == name } }
}
