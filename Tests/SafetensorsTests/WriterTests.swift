import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Safetensors

/// Expected bytes were written by the Python package `safetensors` 0.8.0.
@Suite("Safetensors writer")
struct WriterTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func write(
    _ tensors: [RawTensor],
    metadata: [(key: String, value: String)] = [("format", "pt")]
  ) throws -> [UInt8] {
    let layouts = tensors.map { TensorLayout(name: $0.name, type: $0.type, shape: $0.shape) }
    let writer = try SafetensorsWriter(
      replacing: folder("out.safetensors"),
      tensors: layouts,
      metadata: metadata
    )
    // Backwards and in halves, since order must not matter.
    for (index, tensor) in tensors.enumerated().reversed() {
      let middle = tensor.bytes.count / 2
      try tensor.bytes.withUnsafeBytes { bytes in
        try writer.write(
          UnsafeRawBufferPointer(rebasing: bytes[middle...]),
          tensor: index,
          at: middle
        )
        try writer.write(UnsafeRawBufferPointer(rebasing: bytes[..<middle]), tensor: index, at: 0)
      }
    }
    try writer.finish()
    return try folder.bytes(of: "out.safetensors")
  }

  @Test("no tensors")
  func empty() throws {
    #expect(try write([], metadata: []) == RawSafetensors.file("{}      "))
    #expect(try write([]) == RawSafetensors.file(#"{"__metadata__":{"format":"pt"}}"#))
  }

  @Test("one tensor, by the reference byte for byte")
  func one() throws {
    let header = """
      {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}\u{20}
      """
    let data: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
    #expect(try write([RawTensor("a", .f32, [1, 2], data)]) == RawSafetensors.file(header, data))
  }

  @Test("every type, in the reference's order")
  func order() throws {
    // Name, type and shape in an order of their own; the bytes say which tensor they are of.
    let tensors: [(String, String, [Int])] = [
      ("b", "F16", [2]), ("a", "BF16", [1]), ("z", "F64", [1]), ("c", "I32", [1]),
      ("y", "F32", [1]),
      ("u", "U8", [3]), ("B", "BOOL", [1]), ("i", "I8", [1]), ("s", "F32", []),
      ("e", "F32", [0, 3]),
      ("q", "I64", [1]), ("é", "U16", [1]), ("k", "I16", [1]), ("f8", "F8_E4M3", [1]),
      ("f85", "F8_E5M2", [1]), ("u32", "U32", [1]), ("u64", "U64", [1]), ("c64", "C64", [1]),
      ("fz", "F8_E4M3FNUZ", [1]), ("fz5", "F8_E5M2FNUZ", [1]), ("e8", "F8_E8M0", [1]),
    ]
    let header = """
      {"__metadata__":{"format":"pt"},"u64":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},\
      "q":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},\
      "z":{"dtype":"F64","shape":[1],"data_offsets":[16,24]},\
      "c64":{"dtype":"C64","shape":[1],"data_offsets":[24,32]},\
      "e":{"dtype":"F32","shape":[0,3],"data_offsets":[32,32]},\
      "s":{"dtype":"F32","shape":[],"data_offsets":[32,36]},\
      "y":{"dtype":"F32","shape":[1],"data_offsets":[36,40]},\
      "u32":{"dtype":"U32","shape":[1],"data_offsets":[40,44]},\
      "c":{"dtype":"I32","shape":[1],"data_offsets":[44,48]},\
      "a":{"dtype":"BF16","shape":[1],"data_offsets":[48,50]},\
      "b":{"dtype":"F16","shape":[2],"data_offsets":[50,54]},\
      "é":{"dtype":"U16","shape":[1],"data_offsets":[54,56]},\
      "k":{"dtype":"I16","shape":[1],"data_offsets":[56,58]},\
      "fz5":{"dtype":"F8_E5M2FNUZ","shape":[1],"data_offsets":[58,59]},\
      "fz":{"dtype":"F8_E4M3FNUZ","shape":[1],"data_offsets":[59,60]},\
      "e8":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[60,61]},\
      "f8":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[61,62]},\
      "f85":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[62,63]},\
      "i":{"dtype":"I8","shape":[1],"data_offsets":[63,64]},\
      "u":{"dtype":"U8","shape":[3],"data_offsets":[64,67]},\
      "B":{"dtype":"BOOL","shape":[1],"data_offsets":[67,68]}}\u{20}\u{20}\u{20}\u{20}\u{20}
      """
    let raw = try tensors.enumerated().map { number, tensor in
      let type = ElementType(name: tensor.1)
      let bytes = [UInt8](repeating: UInt8(number), count: try type.byteCount(shape: tensor.2))
      return RawTensor(tensor.0, type, tensor.2, bytes)
    }
    let inOrder = [
      "u64", "q", "z", "c64", "e", "s", "y", "u32", "c", "a", "b", "é", "k", "fz5", "fz", "e8",
      "f8",
      "f85", "i", "u", "B",
    ].flatMap { name in raw.first { $0.name == name }?.bytes ?? [] }
    #expect(try write(raw) == RawSafetensors.file(header, inOrder))
  }

  @Test("four-bit tensors stand between bytes and truth values")
  func subByte() throws {
    let header = """
      {"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},\
      "w":{"dtype":"F4","shape":[4],"data_offsets":[1,3]},\
      "v":{"dtype":"BOOL","shape":[1],"data_offsets":[3,4]}}\u{20}\u{20}
      """
    let tensors = [
      RawTensor("w", .f4, [4], [1, 2]), RawTensor("v", .bool, [1], [3]),
      RawTensor("a", .u8, [1], [4]),
    ]
    #expect(try write(tensors) == RawSafetensors.file(header, [4, 1, 2, 3]))
  }

  @Test("names are escaped as the reference escapes them")
  func names() throws {
    let header = """
      {"__metadata__":{"format":"pt"},"a\\"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},\
      "c\\\\d":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},\
      "t\\tn\\n":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},\
      "é😀":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}
      """
    let tensors = ["é😀", "t\tn\n", "a\"b", "c\\d"].enumerated().map {
      RawTensor($1, .u8, [1], [UInt8($0)])
    }
    #expect(try write(tensors) == RawSafetensors.file(header, [2, 3, 1, 0]))
  }

  @Test("what was written opens again, for seeded random layouts")
  func roundTrip() throws {
    let types = [
      "BOOL", "F4", "F6_E2M3", "F6_E3M2", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "I16", "U16",
      "F16", "BF16", "I32", "U32", "F32", "C64", "F64", "I64", "U64",
    ].map(ElementType.init(name:))
    var random = SeededRandom(seed: 3)
    for _ in 0..<100 {
      let tensors = try (0..<Int.random(in: 0...12, using: &random)).map { number in
        let type = types[Int.random(in: 0..<types.count, using: &random)]
        var shape = (0..<Int.random(in: 0...3, using: &random)).map { _ in
          Int.random(in: 0...5, using: &random)
        }
        if type.bitsPerElement ?? 8 < 8 { shape.append(4) }
        return RawTensor(
          "t\(number)é",
          type,
          shape,
          random.bytes(try type.byteCount(shape: shape))
        )
      }
      let bytes = try write(tensors)
      #expect(bytes.integer(UInt64.self, at: 0) % 8 == 0)
      let reader = try SafetensorsReader(folder("out.safetensors"))
      for tensor in tensors {
        let index = try #require(reader.tensors.firstIndex { $0.name == tensor.name })
        #expect(reader.tensors[index].type == tensor.type)
        #expect(reader.tensors[index].shape == tensor.shape)
        #expect(try reader.bytes(ofTensor: index) == tensor.bytes)
      }
    }
  }

  @Test("a file may be written over the one it is read from")
  func overItself() throws {
    let tensor = RawTensor("a", .u8, [5000], [UInt8](repeating: 7, count: 5000))
    try folder.write(RawSafetensors.file([tensor]), to: "out.safetensors")
    let reader = try SafetensorsReader(folder("out.safetensors"), access: .mapped)
    _ = try write([RawTensor("b", .u8, [1], [1])])
    #expect(try reader.bytes(ofTensor: 0) == tensor.bytes)
  }

  @Test("a writer that is given up leaves nothing")
  func abandoned() throws {
    _ = try SafetensorsWriter(
      replacing: folder("out.safetensors"),
      tensors: [TensorLayout(name: "a", type: .u8, shape: [1])]
    )
    #expect(folder.names == [])
  }

  @Test("types that safetensors lacks are refused by name", arguments: ["Q8_0", "X7"])
  func notExpressible(type: String) {
    let path = folder("out.safetensors")
    #expect(throws: SafetensorsError.notExpressible(file: path, tensor: "a", type: type)) {
      try SafetensorsWriter(
        replacing: path,
        tensors: [TensorLayout(name: "a", type: ElementType(name: type), shape: [32])]
      )
    }
    #expect(folder.names == [])
  }

  @Test("a header over the format's limit is refused before anything is written")
  func oversizedHeader() {
    let path = folder("out.safetensors")
    let metadata = [(key: "k", value: String(repeating: "x", count: 100_000_000))]
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsWriter(replacing: path, tensors: [], metadata: metadata)
    }
    guard case .outputHeaderTooLarge(path, let count) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(count == 100_000_032)
    #expect(folder.names == [])
  }
}
