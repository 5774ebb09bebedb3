import TestSupport
import Testing

@testable import Tensors

/// Finding infinities and values that are no numbers in stored bits.
@Suite("Finite values")
struct FiniteTests {
  private func first(_ type: ElementType, _ bytes: [UInt8], at offset: Int = 0) -> Int? {
    bytes.withUnsafeBytes { type.firstNonFinite(in: $0, at: offset) }
  }

  /// Elements of two or more bytes: the largest number, infinity, a value that is no number.
  static let patterns: [(ElementType, Int, largest: UInt64, infinity: UInt64, none: UInt64)] = [
    (.f64, 8, 0x7FEF_FFFF_FFFF_FFFF, 0xFFF0_0000_0000_0000, 0x7FF0_0000_0000_0001),
    (.f32, 4, 0xFF7F_FFFF, 0x7F80_0000, 0xFFC0_0000), (.bf16, 2, 0x7F7F, 0xFF80, 0x7F81),
    (.f16, 2, 0xFBFF, 0x7C00, 0xFE00), (.f8E5M2, 1, 0x7B, 0xFC, 0x7D),
    (.f8E4M3, 1, 0xFE, 0x7F, 0xFF), (.f8E8M0, 1, 0xFE, 0xFF, 0xFF),
    (.f8E4M3FNUZ, 1, 0x7F, 0x80, 0x80), (.f8E5M2FNUZ, 1, 0xFF, 0x80, 0x80),
  ]

  @Test("the first of them is found wherever it is", arguments: patterns)
  func found(type: ElementType, size: Int, largest: UInt64, infinity: UInt64, none: UInt64) {
    func bytes(_ value: UInt64) -> [UInt8] { Array([UInt8].littleEndian(value).prefix(size)) }
    for count in [1, 7, 4096, 4097, 9000] {
      let sound = (0..<count).flatMap { _ in bytes(largest) }
      #expect(first(type, sound) == nil)
      for place in Set([0, count / 2, count - 1]) {
        for value in [infinity, none] {
          var spoilt = sound
          spoilt.put(bytes(value), at: place * size)
          #expect(first(type, spoilt) == place)
          #expect(first(type, spoilt, at: 24 * size) == place + 24)
          spoilt.put(bytes(none), at: (count - 1) * size)
          #expect(first(type, spoilt) == place)
        }
      }
    }
  }

  @Test("either half of a complex number counts")
  func complex() {
    for place in 0..<6 {
      var bytes = [UInt8](repeating: 0, count: 24)
      bytes.put(Float.infinity.bitPattern, at: 4 * place)
      #expect(first(.c64, bytes) == place / 2)
    }
  }

  @Test("a block's scale counts, also where a piece starts or ends inside the block")
  func blocks() {
    var bytes = [UInt8](repeating: 0xFF, count: 34 * 5)
    for block in 0..<5 { bytes.put(UInt16(0x3C00), at: 34 * block) }
    #expect(first(.q8_0, bytes) == nil)
    bytes.put(UInt16(0x7C00), at: 34 * 3)
    for start in stride(from: 0, through: 34 * 3, by: 2) {
      #expect(first(.q8_0, Array(bytes[start...]), at: start) == 96)
      #expect(first(.q8_0, Array(bytes[start..<34 * 3]), at: start) == nil)
      #expect(first(.q8_0, Array(bytes[start..<34 * 3 + 2]), at: start) == 96)
    }
  }

  @Test(
    "every scale of a block type counts, whatever the levels are",
    arguments: ElementType.known.filter { $0.isComputable && $0.blockElements > 1 }
  )
  func scales(type: ElementType) throws {
    let size = try type.byteCount(shape: [type.blockElements])
    let fields = try #require(type.row?.block).scales
    #expect(fields.isEmpty == (type == .nvfp4))
    for field in fields {
      for block in 0..<3 {
        var bytes = [UInt8](repeating: 0, count: 3 * size)
        #expect(first(type, bytes) == nil)
        let place = block * size + field.place
        switch field {
        case .half: bytes.put(UInt16(0xFC00), at: place)
        case .exponent: bytes.put(UInt8(0xFF), at: place)
        case .nibbles: bytes.put([0, 0, 0, 0, 0, 0xC0, 0, 0x70], at: place)
        }
        #expect(first(type, bytes) == block * type.blockElements)
        #expect(!bytes.withUnsafeBytes { type.allFinite($0) })
        // Pieces that start and end at multiples of 8 bytes cut no scale in two.
        for cut in stride(from: 0, through: bytes.count, by: 8) {
          let (front, back) = (Array(bytes[..<cut]), Array(bytes[cut...]))
          let places = [first(type, front), first(type, back, at: cut)].compactMap(\.self)
          #expect(places == [block * type.blockElements])
        }
      }
    }
  }

  @Test("the largest exponents of MXFP4 have no Float32")
  func exponents() throws {
    for (exponent, isFinite) in [(UInt8(252), true), (253, false), (255, false)] {
      let bytes = [exponent] + [UInt8](repeating: 0x77, count: 16)
      #expect((first(.mxfp4, bytes) == nil) == isFinite)
      #expect(try widened(bytes, .mxfp4, count: 32).allSatisfy(\.isFinite) == isFinite)
    }
  }

  @Test(
    "types that cannot say it never do",
    arguments: ["U8", "I64", "BOOL", "F4", "F6_E2M3", "NVFP4", "Q1_0", "X1"]
  )
  func others(name: String) {
    #expect(first(ElementType(name: name), [UInt8](repeating: 0xFF, count: 64)) == nil)
  }
}
