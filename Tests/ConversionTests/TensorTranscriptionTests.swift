import Checkpoint
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Transcription of tensors")
struct TensorTranscriptionTests {
  /// One tensor in memory.
  private final class Source: TensorSource {
    let tensors: [TensorDescriptor]
    let bytes: [UInt8]

    init(_ type: ElementType, _ shape: [Int], _ bytes: [UInt8]) {
      self.bytes = bytes
      tensors = [
        TensorDescriptor(
          name: "t",
          type: type,
          shape: shape,
          fileIndex: 0,
          fileRange: 0..<bytes.count,
          byteCount: bytes.count
        )
      ]
    }

    func read(
      tensor index: Int,
      bytes range: Range<Int>,
      into buffer: UnsafeMutableRawBufferPointer
    ) {
      bytes[range].withUnsafeBytes { buffer.copyMemory(from: $0) }
    }
  }

  /// Keeps what is written, and the largest piece of it; used by one thread.
  private final class Sink: TensorSink, @unchecked Sendable {
    var bytes: [UInt8]
    private(set) var largest = 0

    init(_ count: Int) { bytes = [UInt8](repeating: 0xAA, count: count) }

    func write(_ piece: UnsafeRawBufferPointer, tensor index: Int, at offset: Int) {
      bytes.replaceSubrange(offset..<offset + piece.count, with: piece)
      largest = max(largest, piece.count)
    }
  }

  @Test(
    "chosen experts of a stack go in pieces however large they are",
    arguments: [ElementType.f32, .bf16, .q8_0]
  )
  func longRows(type: ElementType) throws {
    // An expert of 1.4 million numbers.
    let (experts, rows, columns) = (3, 700, 2048)
    let count = rows * columns
    var random = SeededRandom(seed: 7)
    let values = random.weights(experts * count)
    let source = Source(
      .f32,
      [experts, rows, columns],
      values.flatMap { [UInt8].littleEndian($0.bitPattern) }
    )
    let layout = TensorLayout(name: "t", type: type, shape: [2, rows, columns])
    let sink = Sink(try type.byteCount(shape: layout.shape))
    let transcription = TensorTranscription(
      values: TensorValues(source, path: "model"),
      threads: 1
    )
    try transcription.write(
      [TensorPart(origin: .rows(tensor: 0, [2, 0]))],
      layout,
      to: sink,
      as: 0
    )
    let chosen = Array(values[2 * count..<3 * count] + values[..<count])
    var expected = [UInt8](repeating: 0, count: sink.bytes.count)
    try expected.withUnsafeMutableBytes { room in
      try chosen.withUnsafeBufferPointer { try type.narrow($0, into: room) }
    }
    #expect(firstDifference(sink.bytes, expected) == nil)
    // A quarter of a million numbers at a time, or a mebibyte as it is.
    #expect(sink.largest <= 1 << 20)
  }
}
