import JSON
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Pack

@Suite("Pack round trip")
struct PackRoundTripTests {
  private static let typeNames = ElementType.known.map(\.name)

  /// Bytes of many kinds: noise, weights, one value, text.
  private static func content(_ count: Int, _ kind: Int, using random: inout SeededRandom)
    -> [UInt8]
  {
    switch kind % 4 {
    case 0: return random.bytes(count)
    case 1:
      let weights = random.weights((count + 3) / 4).flatMap { [UInt8].littleEndian($0.bitPattern) }
      return Array(weights[..<count])
    case 2: return [UInt8](repeating: UInt8(count & 0xFF), count: count)
    default: return (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
    }
  }

  private static func tensors(seed: UInt64) throws -> [RawTensor] {
    var random = SeededRandom(seed: seed)
    var tensors: [RawTensor] = []
    for (number, name) in typeNames.enumerated() {
      let type = ElementType(name: name)
      let row = Int.random(in: 1...9, using: &random) * max(type.blockElements, 4)
      let shapes = [
        [Int.random(in: 0...40, using: &random), row], [0, row], [3, 0, row], [row],
        [Int.random(in: 1...3, using: &random), 1, 2, row],
      ]
      for (place, shape) in shapes.enumerated() {
        let count = try type.byteCount(shape: shape)
        tensors.append(
          RawTensor(
            "\(name).\(place)",
            type,
            shape,
            content(count, number + place, using: &random)
          )
        )
      }
      if type.blockElements == 1, (type.bitsPerElement ?? 0) >= 8 {
        let count = try type.byteCount(shape: [])
        tensors.append(RawTensor("\(name).scalar", type, [], random.bytes(count)))
      }
    }
    tensors.append(RawTensor("unknown", .unknown("F128"), [3, 5], random.bytes(77)))
    tensors.append(RawTensor("unknown empty", .unknown("?"), [1 << 60], []))
    tensors.append(RawTensor("", .u8, [1], [1]))
    tensors.append(RawTensor("é/../😀\u{1B}[0m", .u8, [1], [2]))
    return tensors
  }

  private func check(_ pack: PackReader, _ tensors: [RawTensor]) throws {
    #expect(pack.tensors.count == tensors.count)
    for (index, tensor) in tensors.enumerated() {
      let packed = pack.tensors[index]
      #expect(packed.name == tensor.name && packed.type == tensor.type)
      #expect(packed.shape == tensor.shape && packed.byteCount == tensor.bytes.count)
      #expect(firstDifference(try pack.bytes(ofTensor: index), tensor.bytes) == nil)
    }
  }

  @Test("every type, shape and kind of content comes back", arguments: UInt64(1)...5)
  func everyType(seed: UInt64) throws {
    let place = try PackFolder()
    let tensors = try PackRoundTripTests.tensors(seed: seed)
    let bytes = try place.write(tensors)
    try check(try place.open(bytes), tensors)
    #expect(place.problems(bytes) == [])
  }

  @Test("one thread and two write the same bytes")
  func threads() throws {
    let place = try PackFolder()
    var random = SeededRandom(seed: 9)
    var tensors = try PackRoundTripTests.tensors(seed: 9)
    for (name, type) in [("w", ElementType.bf16), ("h", .f16), ("s", .f32), ("u", .u8)] {
      let count = 3 << 20 | 1 << 10
      let content = PackRoundTripTests.content(count, 1, using: &random)
      tensors.append(RawTensor(name, type, [count * 8 / Int(type.bitsPerElement ?? 8)], content))
    }
    let one = try place.write(tensors, threads: 1)
    for threads in [2, 3, 8] {
      #expect(firstDifference(try place.write(tensors, threads: threads), one) == nil)
    }
    try check(try place.open(one), tensors)
    #expect(place.problems(one, threads: 2) == [])
  }

  @Test(
    "a part of several chunks comes back around every boundary",
    arguments: [(1 << 20) - 4, 1 << 20, (1 << 20) + 4, (2 << 20) - 4, 2 << 20, (5 << 19) + 8]
  )
  func chunks(count: Int) throws {
    let place = try PackFolder()
    var random = SeededRandom(seed: UInt64(count))
    for type in [ElementType.f32, .bf16, .u8] {
      let content = PackRoundTripTests.content(count, 1, using: &random)
      let shape = [count * 8 / Int(type.bitsPerElement ?? 8)]
      let bytes = try place.write([RawTensor("a", type, shape, content)], threads: 2)
      let pack = try place.open(bytes)
      #expect(firstDifference(try pack.bytes(ofTensor: 0), content) == nil)
      for middle in stride(from: 1 << 20, to: count, by: 1 << 20) {
        let range = middle - 3..<min(middle + 3, count)
        var room = [UInt8](repeating: 0, count: range.count)
        try room.withUnsafeMutableBytes { try pack.read(tensor: 0, bytes: range, into: $0) }
        #expect(room == Array(content[range]))
      }
    }
  }

  @Test("any piece of a tensor can be read")
  func pieces() throws {
    let place = try PackFolder()
    var random = SeededRandom(seed: 11)
    let content = PackRoundTripTests.content(3_000_000, 1, using: &random)
    let pack = try place.open(try place.write([RawTensor("a", .bf16, [1_500_000], content)]))
    for _ in 0..<40 {
      let start = Int.random(in: 0...content.count, using: &random)
      let range = start..<Int.random(in: start...content.count, using: &random)
      var room = [UInt8](repeating: 0, count: range.count)
      try room.withUnsafeMutableBytes { try pack.read(tensor: 0, bytes: range, into: $0) }
      #expect(room == Array(content[range]))
    }
  }

  @Test("weights take less room than they had, noise hardly more")
  func sizes() throws {
    let place = try PackFolder()
    var random = SeededRandom(seed: 12)
    let weights = (0..<500_000).flatMap { _ -> [UInt8] in
      let value = random.weights(1)[0]
      return .littleEndian(UInt16(value.bitPattern >> 16))
    }
    let packed = try place.write([RawTensor("a", .bf16, [500_000], weights)])
    #expect(Double(weights.count) / Double(packed.count) > 1.35)
    let noise = random.bytes(1_000_000)
    #expect(try place.write([RawTensor("a", .bf16, [500_000], noise)]).count < noise.count + 1000)
  }

  @Test("files come back by path")
  func files() throws {
    let place = try PackFolder()
    let text = Array(String(repeating: "tokenizer ", count: 200_000).utf8)
    let files = [("config.json", Array("{}".utf8)), ("a/b/tokenizer.json", text), ("empty", [])]
    let bytes = try place.write([], files: files)
    let pack = try place.open(bytes)
    #expect(pack.files.map(\.path) == files.map(\.0))
    for (file, expected) in zip(pack.files, files) {
      #expect(try pack.contents(of: file) == expected.1)
      #expect(try pack.contents(ofFile: expected.0) == expected.1)
      #expect(pack.contentByteCount(of: file) == expected.1.count)
    }
    #expect(try pack.contents(ofFile: "missing") == nil)
    #expect(place.problems(bytes) == [])
    #expect(bytes.count < text.count / 10)
  }

  @Test("a header and its tensors belong together")
  func safetensors() throws {
    let place = try PackFolder()
    let writer = try PackWriter(replacing: place.folder("out.moepack"), threads: 1)
    let first = try writer.addWeights(
      path: "a.safetensors",
      kind: .safetensors,
      header: Array("{ }".utf8)
    )
    try writer.addFile(path: "x", byteCount: 0) { _, _ in }
    let second = try writer.addWeights(path: "b.safetensors", kind: .safetensors, header: [])
    for (name, number) in [("p", second), ("q", first), ("r", second)] {
      try writer.addTensor(
        TensorLayout(name: name, type: .u8, shape: [0]),
        byteCount: 0,
        fileNumber: number
      ) { _, _ in }
    }
    try writer.finish(model: [:])
    let pack = try PackReader(place.folder("out.moepack"))
    #expect([first, second] == [0, 2])
    #expect(pack.files.map(\.kind) == [.safetensors, .plain, .safetensors])
    #expect(pack.tensors(ofFile: first).map { pack.tensors[$0].name } == ["q"])
    #expect(pack.tensors(ofFile: second).map { pack.tensors[$0].name } == ["p", "r"])
    #expect(try pack.contents(of: pack.files[0]) == Array("{ }".utf8))
    #expect(try pack.contents(ofFile: "a.safetensors") == nil)
  }

  @Test("matrices name the tensors they are made of")
  func matrices() throws {
    let place = try PackFolder()
    let writer = try PackWriter(replacing: place.folder("out.moepack"), threads: 1)
    try writer.addFile(path: "x", byteCount: 1) { _, buffer in buffer[0] = 1 }
    func add(_ name: String, _ shape: [Int]) throws -> Int {
      try writer.addTensor(
        TensorLayout(name: name, type: .u8, shape: shape),
        byteCount: shape.reduce(1, *)
      ) { range, buffer in buffer.copyBytes(from: [UInt8](repeating: 1, count: range.count)) }.part
    }
    let parts = [try add("w#u", [2, 4]), try add("w#v", [2, 3]), try add("d", [3, 4])]
    let factors = PackMatrix(
      layer: 1,
      expert: 7,
      projection: .up,
      form: .factors,
      rows: 4,
      columns: 3,
      parts: [parts[0], parts[1]]
    )
    let dense = PackMatrix(
      layer: 2,
      expert: 0,
      projection: .down,
      form: .dense,
      rows: 3,
      columns: 4,
      parts: [parts[2]]
    )
    writer.addMatrix(factors)
    writer.addMatrix(dense)
    try writer.finish(model: ["kind": "compressed", "layers": []])
    let pack = try PackReader(place.folder("out.moepack"))
    #expect(pack.matrices.map(\.parts) == [[0, 1], [2]])
    #expect(pack.matrices.map(\.rows) == [4, 3])
    #expect(pack.matrices[0].form == .factors && pack.matrices[0].expert == 7)
    #expect(!pack.isLossless)
    let bytes = try place.folder.bytes(of: "out.moepack")
    #expect(bytes.integer(UInt64.self, at: 16) == 3)
    #expect(place.problems(bytes) == [])
  }
}
