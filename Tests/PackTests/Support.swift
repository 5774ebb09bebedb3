import JSON
import Storage
import SystemPackage
import Tensors
import TestSupport

@testable import Pack

/// Writes packs and says what is wrong with them.
struct PackFolder {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Writes a pack of these tensors and returns its bytes.
  func write(
    _ tensors: [RawTensor],
    files: [(String, [UInt8])] = [],
    threads: Int = 1,
    model: JSONValue = ["kind": "lossless"]
  ) throws -> [UInt8] {
    let writer = try PackWriter(replacing: folder("out.moepack"), threads: threads)
    for (path, content) in files {
      try writer.addFile(path: path, byteCount: content.count) { range, buffer in
        buffer.copyBytes(from: content[range])
      }
    }
    for tensor in tensors {
      try writer.addTensor(
        TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape),
        byteCount: tensor.bytes.count
      ) { range, buffer in buffer.copyBytes(from: tensor.bytes[range]) }
    }
    try writer.finish(model: model)
    return try folder.bytes(of: "out.moepack")
  }

  /// Opens a pack of these bytes.
  func open(_ bytes: [UInt8]) throws -> PackReader {
    try PackReader(try folder.write(bytes, to: "test.moepack"))
  }

  /// What opening throws or verifying reports; empty for a sound pack, whatever its values.
  func problems(_ bytes: [UInt8], threads: Int = 1) -> [String] {
    do {
      var problems: [String] = []
      try open(bytes).verify(threads: threads, progress: { _ in }) {
        problems.append("\($0): \($1)")
      } reportValue: { _ in
      }
      return problems
    } catch { return ["\(error)"] }
  }

  /// The tensors in which verifying finds values that are not finite.
  func notFinite(_ bytes: [UInt8], threads: Int = 1) throws -> [String] {
    var names: [String] = []
    try open(bytes).verify(threads: threads, progress: { _ in }, report: { _, _ in }) {
      names.append($0)
    }
    return names
  }

  /// The error of opening, if it is a ``PackError``.
  func openingError(_ bytes: [UInt8]) -> PackError? {
    do {
      _ = try open(bytes)
      return nil
    } catch { return error as? PackError }
  }
}

extension HandmadePack {
  /// Nothing in it yet.
  init() { self.init(hash: { Checksum.of($0) }) }

  /// A sound pack taken apart.
  init(_ bytes: [UInt8]) { self.init(bytes, hash: { Checksum.of($0) }) }

  /// A tensor and a file, sound.
  static var small: HandmadePack {
    var pack = HandmadePack()
    pack.add("a", "F32", [2], [1, 2, 3, 4, 5, 6, 7, 8])
    pack.add("f.txt", "U8", [3], [9, 9, 9], kind: 1)
    pack.addFile("f.txt", kind: 0, part: 1)
    pack.add("b", "U8", [5], [5, 4, 3, 2, 1])
    return pack
  }
}
