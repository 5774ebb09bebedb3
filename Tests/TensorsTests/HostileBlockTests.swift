import TestSupport
import Testing

@testable import Tensors

/// Bytes and values that no encoder or training makes: nothing may trap.
@Suite("Hostile blocks")
struct HostileBlockTests {
  static let readable = ElementType.known.filter(\.isComputable)
  static let writable = ElementType.known.filter(\.isEncodable)

  @Test("any bytes widen", arguments: readable)
  func bytes(type: ElementType) throws {
    let count = 8 * max(type.blockElements, type.unitElements)
    let size = try type.byteCount(shape: [count])
    var random = SeededRandom(seed: 11)
    for fill: UInt8 in [0, 0x7F, 0x80, 0xFF] {
      _ = try widened([UInt8](repeating: fill, count: size), type, count: count)
    }
    for _ in 0..<200 {
      let bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let values = try widened(bytes, type, count: count)
      let isFinite = bytes.withUnsafeBytes { type.allFinite($0) }
      // An exponent of MXFP4 is judged by the largest number it allows.
      if type != .mxfp4 || isFinite { #expect(values.allSatisfy(\.isFinite) == isFinite) }
    }
  }

  @Test("bytes at odd addresses widen to the same values", arguments: readable)
  func unaligned(type: ElementType) throws {
    let count = 2 * type.unitElements
    let size = try type.byteCount(shape: [count])
    var random = SeededRandom(seed: 12)
    let bytes = (0...size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var values = [Float](repeating: 0, count: count)
    try bytes.withUnsafeBytes { source in
      try values.withUnsafeMutableBufferPointer {
        try type.widen(UnsafeRawBufferPointer(rebasing: source[1...]), into: $0)
      }
    }
    let aligned = try widened(Array(bytes[1...]), type, count: count)
    #expect(values.map(\.bitPattern) == aligned.map(\.bitPattern))
  }

  /// A row with `strange` among ordinary values, and rows of nothing else.
  private func rows(_ strange: Float) -> [[Float]] {
    var random = SeededRandom(seed: 13)
    let sound = (0..<256).map { _ in Float(Int8(truncatingIfNeeded: random.next())) / 64 }
    var first = sound
    var last = sound
    first[0] = strange
    last[255] = strange
    return [first, last, [Float](repeating: strange, count: 256)]
  }

  @Test("any values narrow, with and without weights", arguments: writable)
  func values(type: ElementType) throws {
    let strange: [Float] = [
      .nan, .signalingNaN, .infinity, -.infinity, .greatestFiniteMagnitude,
      -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -.leastNormalMagnitude, 0, -0.0, 1e-20,
      1e20, 65504, 1e-8,
    ]
    let sound = [Float](repeating: 1, count: 256)
    for value in strange {
      for row in rows(value) {
        #expect(try narrowed(row, type).count == type.byteCount(shape: [256]))
        #expect(try narrowed(row, type, importance: sound).count == type.byteCount(shape: [256]))
      }
      for weights in rows(value) { _ = try narrowed(rows(0.5)[0], type, importance: weights) }
    }
  }

  @Test("zeros stay zeros", arguments: writable)
  func zeros(type: ElementType) throws {
    let zeros = [Float](repeating: 0, count: 512)
    for weights in [nil, [Float](repeating: 1, count: 256), [Float](repeating: 0, count: 512)] {
      let bytes = try narrowed(zeros, type, importance: weights)
      #expect(try widened(bytes, type, count: 512).allSatisfy { $0 == 0 })
    }
  }

  @Test("no weight on some columns or on any leaves a sound block", arguments: writable)
  func noWeight(type: ElementType) throws {
    let row = rows(1)[0]
    let some = (0..<256).map { Float($0 % 3 == 0 ? 1 : 0) }
    for weights in [some, [Float](repeating: 0, count: 256)] {
      let bytes = try narrowed(row, type, importance: weights)
      #expect(try widened(bytes, type, count: 256).allSatisfy(\.isFinite))
    }
  }

  @Test(
    "types without a reader or writer say so",
    arguments: [ElementType.q1_0, .q2_0, .q8_1, .q8_k, .i16, .bool, .c64]
  )
  func refused(type: ElementType) throws {
    let count = type.blockElements
    let bytes = [UInt8](repeating: 1, count: try type.byteCount(shape: [count]))
    #expect(throws: TensorError.notComputable(type: type)) {
      try widened(bytes, type, count: count)
    }
    #expect(throws: TensorError.notEncodable(type: type)) {
      try narrowed([Float](repeating: 1, count: count), type)
    }
  }

  @Test("a type that is only read says which can be written")
  func readOnly() throws {
    let error = TensorError.notEncodable(type: .iq2_xs)
    #expect(throws: error) { try narrowed([Float](repeating: 1, count: 256), .iq2_xs) }
    #expect("\(error)".contains("IQ2_XS") && "\(error)".contains("Q4_K, Q5_K"))
  }
}
