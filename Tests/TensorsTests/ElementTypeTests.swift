import TestSupport
import Testing

@testable import Tensors

@Suite("Element types")
struct ElementTypeTests {
  /// Name and bits of every type of the safetensors reference, from its `Dtype`.
  static let reference: [(name: String, bits: Int)] = [
    ("BOOL", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("U8", 8), ("I8", 8), ("F8_E5M2", 8),
    ("F8_E4M3", 8), ("F8_E8M0", 8), ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("I16", 16),
    ("U16", 16), ("F16", 16), ("BF16", 16), ("I32", 32), ("U32", 32), ("F32", 32), ("C64", 64),
    ("F64", 64), ("I64", 64), ("U64", 64),
  ]

  @Test("every type of safetensors is known by name and size", arguments: reference)
  func known(name: String, bits: Int) throws {
    let type = ElementType(name: name)
    #expect(type.isKnown && type.isSafetensors)
    #expect(type.name == name)
    #expect(type.bitsPerElement == Double(bits))
    #expect(try type.byteCount(shape: [2, 4]) == bits)
    #expect(try type.byteCount(shape: [0]) == 0)
  }

  @Test("a strange name is kept", arguments: ["F128", "f32", "", "Q4_2", "q4_k", "F32 "])
  func unknown(name: String) {
    let type = ElementType(name: name)
    #expect(type == .unknown(name))
    #expect(type.name == name)
    #expect(!type.isKnown && !type.isSafetensors && !type.isComputable && !type.isEncodable)
    #expect(type.ggmlID == nil)
    #expect(type.bitsPerElement == nil)
    #expect(throws: TensorError.unknownType(name: name)) { try type.byteCount(shape: [1]) }
  }

  @Test("a scalar has one element, a zero anywhere none")
  func rank() throws {
    #expect(try ElementType.f32.byteCount(shape: []) == 4)
    #expect(try ElementType.f32.byteCount(shape: [3, 0, 5]) == 0)
    #expect(try ElementType.f32.byteCount(shape: [1, 1, 1]) == 4)
  }

  @Test("elements of less than a byte must end on one")
  func subByte() throws {
    #expect(try ElementType.f4.byteCount(shape: [2]) == 1)
    #expect(try ElementType.f4.byteCount(shape: [3, 2]) == 3)
    #expect(try ElementType.f6E2M3.byteCount(shape: [4]) == 3)
    #expect(try ElementType.f6E3M2.byteCount(shape: [2, 2]) == 3)
    for (type, shape) in [
      (ElementType.f4, [1]), (.f4, [3, 3]), (.f4, []), (.f6E2M3, [1]), (.f6E3M2, [6]),
    ] {
      #expect(throws: TensorError.partialByte(type: type, shape: shape)) {
        try type.byteCount(shape: shape)
      }
    }
  }

  @Test("blocks must fill the innermost axis")
  func blocks() throws {
    #expect(try ElementType.q8_0.byteCount(shape: [32]) == 34)
    #expect(try ElementType.q8_0.byteCount(shape: [3, 64]) == 204)
    #expect(try ElementType.q8_0.byteCount(shape: [0, 32]) == 0)
    #expect(ElementType.q8_0.bitsPerElement == 8.5)
    #expect(!ElementType.q8_0.isSafetensors)
    for (shape, row) in [([31], 31), ([32, 2], 2), ([], 1), ([32, 33], 33)] {
      #expect(throws: TensorError.rowNotInBlocks(type: .q8_0, row: row)) {
        try ElementType.q8_0.byteCount(shape: shape)
      }
    }
  }

  @Test(
    "a size past 63 bits is refused",
    arguments: [
      (.u8, [Int.max, 2]), (.f32, [1 << 61]), (.f64, [1 << 31, 1 << 31]),
      (.u8, [1 << 32, 1 << 32]),
      (.u8, [1 << 62, 1 << 62, 0]), (.u8, [0, 1 << 62, 1 << 62]), (.u8, [1 << 62, 0, 1 << 62]),
      (.bf16, [Int.max]), (.q8_0, [1 << 40, 1 << 40]),
      (.f4, [1 << 62]), (.u8, [1 << 21, 1 << 21, 1 << 21]),
    ] as [(ElementType, [Int])]
  )
  func overflow(type: ElementType, shape: [Int]) {
    #expect(throws: TensorError.tooLarge(shape: shape)) { try type.byteCount(shape: shape) }
  }

  @Test("a negative size is refused", arguments: [[-1], [2, -3], [-1, -1], [0, -1]])
  func negative(shape: [Int]) {
    #expect(throws: TensorError.tooLarge(shape: shape)) {
      try ElementType.u8.byteCount(shape: shape)
    }
  }

  /// Number, name, elements and bytes of a block of every type of ggml, from its `ggml.h` and
  /// `ggml-common.h`.
  static let ggml: [(id: UInt32, name: String, elements: Int, bytes: Int)] = [
    (0, "F32", 1, 4), (1, "F16", 1, 2), (2, "Q4_0", 32, 18), (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22), (7, "Q5_1", 32, 24), (8, "Q8_0", 32, 34), (9, "Q8_1", 32, 36),
    (10, "Q2_K", 256, 84), (11, "Q3_K", 256, 110), (12, "Q4_K", 256, 144), (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210), (15, "Q8_K", 256, 292), (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74), (18, "IQ3_XXS", 256, 98), (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18), (21, "IQ3_S", 256, 110), (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136), (24, "I8", 1, 1), (25, "I16", 1, 2), (26, "I32", 1, 4),
    (27, "I64", 1, 8), (28, "F64", 1, 8), (29, "IQ1_M", 256, 56), (30, "BF16", 1, 2),
    (34, "TQ1_0", 256, 54), (35, "TQ2_0", 256, 66), (39, "MXFP4", 32, 17), (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18), (42, "Q2_0", 64, 18),
  ]

  @Test("every type of ggml is known by number, name and size", arguments: ggml)
  func ggmlType(id: UInt32, name: String, elements: Int, bytes: Int) throws {
    let type = try #require(ElementType(ggmlID: id))
    #expect(type == ElementType(name: name) && type.name == name && type.ggmlID == id)
    #expect(type.blockElements == elements)
    #expect(try type.byteCount(shape: [3, elements]) == 3 * bytes)
    #expect(type.isSafetensors == (elements == 1))
  }

  @Test("numbers that ggml has removed or not yet given are no type")
  func ggmlNumbers() {
    let given = Set(ElementTypeTests.ggml.map(\.id))
    for id in UInt32(0)..<300 { #expect((ElementType(ggmlID: id) != nil) == given.contains(id)) }
    #expect(ElementType(ggmlID: .max) == nil)
  }

  @Test("a type without values to compute with says so")
  func notComputable() {
    let error = TensorError.notComputable(type: .i16)
    let bytes: [UInt8] = [1, 2]
    var values: [Float] = [0]
    #expect(throws: error) {
      try bytes.withUnsafeBytes { source in
        try values.withUnsafeMutableBufferPointer { try ElementType.i16.widen(source, into: $0) }
      }
    }
    #expect("\(error)".contains("I16"))
  }
}
