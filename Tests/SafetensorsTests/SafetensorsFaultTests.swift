import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Safetensors

/// Every system call of writing and reading a safetensors file fails once.
@Suite("Failing system calls of a safetensors file")
struct SafetensorsFaultTests {
  private static let tensors: [RawTensor] = {
    var random = SeededRandom(seed: 5)
    return [
      RawTensor("a", .bf16, [40, 50], using: &random), RawTensor("b", .f32, [7], using: &random),
    ]
  }()

  private static let writing = FaultyRuns.file("writing a file") { try write($0) }

  private static let reading = FaultyRuns.folder("reading a file", after: { try write($0) }) {
    let reader = try SafetensorsReader($0("out"))
    for tensor in tensors {
      let index = try #require(reader.tensors.firstIndex { $0.name == tensor.name })
      #expect(try reader.bytes(ofTensor: index) == tensor.bytes)
    }
  }

  private static func write(_ folder: TemporaryDirectory) throws {
    let writer = try SafetensorsWriter(
      replacing: folder("out"),
      tensors: tensors.map { TensorLayout(name: $0.name, type: $0.type, shape: $0.shape) }
    )
    for (index, tensor) in tensors.enumerated() {
      try tensor.bytes.withUnsafeBytes { try writer.write($0, tensor: index, at: 0) }
    }
    try writer.finish()
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
