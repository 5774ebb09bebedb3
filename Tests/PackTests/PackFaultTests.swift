import JSON
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Pack

/// Every system call of writing and reading a pack fails once.
@Suite("Failing system calls of a pack")
struct PackFaultTests {
  private static let tensors: [RawTensor] = {
    var random = SeededRandom(seed: 5)
    return [
      RawTensor("a", .bf16, [40, 50], using: &random), RawTensor("b", .f32, [7], using: &random),
    ]
  }()

  private static let writing = FaultyRuns.file("writing a pack") { try write($0) }

  private static let reading = FaultyRuns.folder("reading a pack", after: { try write($0) }) {
    let pack = try PackReader($0("out"))
    for (number, tensor) in tensors.enumerated() {
      #expect(try pack.bytes(ofTensor: number) == tensor.bytes)
    }
  }

  private static func write(_ folder: TemporaryDirectory) throws {
    let writer = try PackWriter(replacing: folder("out"), threads: 2)
    try writer.addFile(path: "f.txt", byteCount: 3) { range, buffer in
      buffer.copyBytes(from: [1, 2, 3][range])
    }
    for tensor in tensors {
      try writer.addTensor(
        TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape),
        byteCount: tensor.bytes.count
      ) { range, buffer in buffer.copyBytes(from: tensor.bytes[range]) }
    }
    try writer.finish(model: ["kind": "lossless"])
  }

  @Test("interrupted or cut short, every call is gone on with", arguments: [writing, reading])
  func resumed(runs: FaultyRuns) throws {
    let flaws = try runs.flaws(resuming: .error(.interrupted)) + runs.flaws(resuming: .short)
    #expect(flaws == [])
  }

  @Test(
    "a failing call is reported, and harms nothing that was there",
    arguments: [writing, reading],
    [Errno.noSpace, .ioError]
  )
  func failing(runs: FaultyRuns, code: Errno) throws {
    let flaws = try runs.flaws(failingWith: code)
    #expect(flaws == [])
  }
}
