internal import Checkpoint
internal import Conversion
internal import JSON
internal import Pack
internal import Storage
internal import SystemPackage
internal import Tensors
package import TestSupport

/// A pack, lossless or compressed, whose checksums mostly fit so that faults get past them.
package final class PackTarget: FuzzTarget {
  package static let name = "pack"
  package let seeds: [[UInt8]]

  private let scratch: Scratch
  private let json = JSONMutation(
    words: ["kind", "lossless", "compressed", "layers", "layer", "kept", "topK", "experts", "type"]
  )

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    seeds = [
      PackSeeds.compressed(), PackSeeds.lossless(), PackSeeds.encoded(),
      HandmadePack(hash: { Checksum.of($0) }).bytes(), try PackTarget.written(in: Scratch(folder)),
    ]
  }

  /// A pack by our own writer, which codes words where that is shorter.
  private static func written(in scratch: Scratch) throws -> [UInt8] {
    var random = SeededRandom(seed: 5)
    let writer = try PackWriter(replacing: scratch("seed.moepack"), threads: 1)
    for type in [ElementType.bf16, .f32] {
      let tensor = RawTensor(type.name, type, [2, 1024], using: &random)
      try writer.addTensor(
        TensorLayout(name: tensor.name, type: type, shape: tensor.shape),
        byteCount: tensor.bytes.count
      ) { range, buffer in
        tensor.bytes.withUnsafeBytes {
          buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
        }
      }
    }
    try writer.finish(model: ["kind": "compressed"])
    return try scratch.bytes("seed.moepack")
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    var bytes = input
    let repair = PackRepair(input)
    switch Int.random(in: 0..<8, using: &random) {
    case 0: ByteMutation.apply(to: &bytes, using: &random)
    case 1:
      guard let section = repair.sections.last else { break }
      var text = Array(bytes[section])
      json.apply(to: &text, using: &random)
      return repair.replacing(4, with: text)
    default:
      // Tables, of which there are few bytes, more often than chunks, of which there are many.
      let places =
        repair.sections + [0..<min(64, bytes.count), max(0, bytes.count - 160)..<bytes.count]
      let range = places[Int.random(in: places.indices, using: &random)]
      let number = repair.sections.firstIndex(of: range)
      guard let number, Bool.random(using: &random) else {
        overwrite(range, &bytes, using: &random)
        break
      }
      var section = Array(bytes[range])
      ByteMutation.apply(to: &section, using: &random)
      return repair.replacing(number, with: section)
    }
    return Int.random(in: 0..<16, using: &random) > 0 ? PackRepair.repaired(bytes) : bytes
  }

  /// Changes bytes without moving others.
  private func overwrite(
    _ range: Range<Int>,
    _ bytes: inout [UInt8],
    using random: inout SeededRandom
  ) {
    guard !range.isEmpty else { return }
    var part = Array(bytes[range])
    ByteMutation.apply(to: &part, using: &random)
    part = Array(part.prefix(range.count))
    part += bytes[range].dropFirst(part.count)
    bytes.replaceSubrange(range, with: part)
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    let path = scratch("x.moepack")
    try scratch.write(input, to: "x.moepack")
    guard let pack = try opening("x.moepack", { try PackReader(path) }) else { return false }
    // The configuration inside may be spoilt, which is another file's fault and refused by name.
    let checkpoint = try opening("x.moepack") { try Checkpoint(path.string) }
    if let checkpoint { try WholeModel(checkpoint: checkpoint, scratch: scratch).inspect() }
    var problems = 0
    try must("verify") {
      try pack.verify(
        threads: 1,
        progress: { _ in },
        report: { _, _ in problems += 1 },
        reportValue: { _ in }
      )
    }
    if problems == 0 { try write(pack) } else { try readDamaged(pack) }
    guard let checkpoint else { return true }
    let model = WholeModel(checkpoint: checkpoint, scratch: scratch)
    for problem in model.problems() {
      try require(problem.message.contains("x.moepack"), "no file in: \(problem.message)")
    }
    for type in [nil, ElementType.f32] { try model.export(as: type) }
    try evaluate(checkpoint)
    return true
  }

  private func evaluate(_ checkpoint: Checkpoint) throws {
    guard checkpoint.configuration != nil else { return }
    _ = try opening("x.moepack") { try checkpoint.requireComplete() }
  }

  /// Everything in a damaged pack can be asked for, and is given or refused.
  private func readDamaged(_ pack: PackReader) throws {
    for index in pack.tensors.indices where pack.tensors[index].byteCount <= 1 << 20 {
      _ = try opening("x.moepack") { try pack.bytes(ofTensor: index) }
    }
    for file in pack.files { _ = try opening("x.moepack") { try pack.contents(of: file) } }
  }

  /// Writes all parts anew; they must read back as they are.
  private func write(_ pack: PackReader) throws {
    let path = scratch("written.moepack")
    try must("writing") {
      let writer = try PackWriter(replacing: path, threads: 1)
      for (number, tensor) in pack.tensors.enumerated() {
        try writer.addTensor(
          TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape),
          byteCount: tensor.byteCount
        ) { try pack.read(tensor: number, bytes: $0, into: $1) }
      }
      for matrix in pack.matrices { writer.addMatrix(matrix) }
      for file in pack.files where file.kind == .plain {
        let content = try pack.contents(of: file)
        try writer.addFile(path: file.path, byteCount: content.count) { range, buffer in
          content.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
          }
        }
      }
      try writer.finish(model: pack.model)
    }
    let again = try must("reading what was written") { try PackReader(path) }
    try require(again.model == pack.model, "another model section came back")
    try require(again.matrices == pack.matrices, "other matrices came back")
    try require(again.tensors.count == pack.tensors.count, "other tensors came back")
    for (index, (a, b)) in zip(pack.tensors, again.tensors).enumerated() {
      let isSame = a.name.utf8.elementsEqual(b.name.utf8) && a.type == b.type && a.shape == b.shape
      try require(isSame, "'\(a.name)' came back as '\(b.name)'")
      guard a.byteCount <= 1 << 20 else { continue }
      let (before, after) = try must("reading") {
        (try pack.bytes(ofTensor: index), try again.bytes(ofTensor: index))
      }
      try require(before == after, "'\(a.name)' came back with other bytes")
    }
    for file in pack.files where file.kind == .plain {
      let (before, after) = try must("reading") {
        (try pack.contents(of: file), try again.contents(ofFile: file.path))
      }
      try require(after == before, "'\(file.path)' came back with other bytes")
    }
  }
}
