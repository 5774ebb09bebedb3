import Fixtures
import GGUF
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Copies of GGUF models")
struct GGUFCopyTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Files whose own layout is the one we write: ours and, where they are at hand, llama.cpp's.
  static let files: [String] =
    ["alignment-64", "every-type", "every-value"].map { Fixtures.path("gguf/\($0).gguf") }
    + ["micro-qwen2moe-Q8_0", "small-mixtral-Q2_K", "tiny-mixtral-Q5_1", "tiny-qwen2moe-MXFP4"]
    .compactMap { Fixtures.shared("oracles/gguf/\($0).gguf") }

  private func copy(
    _ source: FilePath,
    to destination: String,
    metadata: GGUFMetadata? = nil,
    limits: GGUFShardPlan.Limits = .init(),
    threads: Int = 1
  ) throws -> GGUFCopy {
    let copy = try GGUFCopy(
      of: try GGUFCollection(source),
      to: folder(destination),
      metadata: metadata,
      limits: limits
    )
    var done = 0
    try copy.run(threads: threads) { done += $0 }
    #expect(done == copy.sourceByteCount)
    return copy
  }

  private func expectSameTensors(_ a: GGUFCollection, _ b: GGUFCollection) throws {
    #expect(a.tensors.map(\.name) == b.tensors.map(\.name))
    for index in a.tensors.indices {
      #expect(a.tensors[index].type == b.tensors[index].type)
      #expect(a.tensors[index].shape == b.tensors[index].shape)
      #expect(try a.bytes(ofTensor: index) == b.bytes(ofTensor: index))
    }
  }

  @Test("a copy without changes is the same byte for byte", arguments: files)
  func same(file: String) throws {
    let copy = try copy(FilePath(file), to: "out.gguf", threads: 4)
    #expect(try folder.bytes(of: "out.gguf") == readBytes(FilePath(file)))
    #expect(copy.plan.byteCount == FileSystem.byteCount(FilePath(file)))
    #expect(folder.names == ["out.gguf"])
  }

  @Test("split and merged, a file is the same byte for byte", arguments: files)
  func splitAndMerged(file: String) throws {
    for (number, limits) in [
      GGUFShardPlan.Limits(tensors: 3), .init(bytes: 1), .init(bytes: 300_000, tensors: 8),
      .init(isFirstEmpty: true),
    ].enumerated() {
      let split = try copy(FilePath(file), to: "\(number).gguf", limits: limits, threads: 3)
      let last = try #require(split.files.last)
      let model = try GGUFCollection(last)
      #expect(model.files.count == split.files.count)
      if model.tensors.count > 3, number != 2 { #expect(split.files.count > 1) }
      _ = try copy(last, to: "merged.gguf")
      #expect(try folder.bytes(of: "merged.gguf") == readBytes(FilePath(file)))
      folder.remove("merged.gguf")
    }
  }

  /// The layout of llama.cpp's `gguf-split`: all keys in the first, then how it is split, the count
  /// last; and the same three keys in the others.
  @Test("splits have their keys in gguf-split's order")
  func keys() throws {
    let source = try folder.write(
      RawGGUF.sound([("a", [8]), ("b", [8]), ("c", [8])], keys: [RawGGUF.pair("x", 1)]).bytes,
      to: "in.gguf"
    )
    let split = try copy(source, to: "out.gguf", limits: .init(tensors: 1, isFirstEmpty: true))
    #expect(
      split.files.map { $0.lastComponent?.string } == (1...4).map { "out-0000\($0)-of-00004.gguf" }
    )
    let keys = ["split.no", "split.tensors.count", "split.count"]
    for (number, path) in split.files.enumerated() {
      let file = try GGUFReader(path)
      #expect(
        file.metadata.map(\.key) == (number == 0 ? ["general.architecture", "x"] : []) + keys
      )
      #expect(file.metadata["split.no"] == .uint16(UInt16(number)))
      #expect(file.metadata["split.tensors.count"] == .int32(3))
      #expect(file.metadata["split.count"] == .uint16(4))
      #expect(file.tensors.count == (number == 0 ? 0 : 1))
    }
  }

  @Test("what llama.cpp's tool leaves in a merged file goes")
  func mergedByOthers() throws {
    let file = RawGGUF.sound([("a", [8])], keys: RawGGUF.splitKeys(0, of: 0, tensors: 1))
    let source = try folder.write(file.bytes, to: "in.gguf")
    _ = try copy(source, to: "out.gguf")
    #expect(
      try folder.bytes(of: "out.gguf") == RawGGUF.sound([("a", [8])]).bytes
    )
  }

  @Test("another alignment lays the data out anew", arguments: [8, 64, 4096] as [UInt32])
  func alignment(value: UInt32) throws {
    let source = try GGUFCollection(FilePath(Fixtures.path("gguf/every-type.gguf")))
    var metadata = source.metadata
    metadata["general.alignment"] = .uint32(value)
    _ = try copy(source.files[0].path, to: "out.gguf", metadata: metadata)
    let made = try GGUFCollection(folder("out.gguf"))
    #expect(made.files[0].header.alignment == Int(value))
    #expect(made.tensors.allSatisfy { $0.fileRange.lowerBound % Int(value) == 0 })
    try expectSameTensors(source, made)
    try made.verify { _, place, message in Issue.record("\(place): \(message)") }
  }

  @Test("gaps, tensors out of order and version 2 come out mended")
  func mended() throws {
    var file = RawGGUF()
    file.version = 2
    file.keys = [RawGGUF.pair("general.architecture", "test")]
    file.tensors = [RawGGUF.tensor("late", [8], at: 128), RawGGUF.tensor("early", [8], at: 0)]
    file.data = (0..<160).map { UInt8($0) }
    let source = try folder.write(file.bytes, to: "in.gguf")
    #expect(try !GGUFCollection(source).warnings.isEmpty)
    _ = try copy(source, to: "out.gguf")
    let made = try GGUFCollection(folder("out.gguf"))
    #expect(made.warnings == [] && made.files[0].header.version == 3)
    #expect(try made.bytes(ofTensor: 0) == Array(128..<160))
    try expectSameTensors(try GGUFCollection(source), made)
  }

  @Test("tensors of many pieces are copied by any number of threads", arguments: [1, 2, 7])
  func pieces(threads: Int) throws {
    let count = 2 * GGUFTensorCopy.pieceBytes + 12
    var random = SeededRandom(seed: 3)
    var file = RawGGUF()
    file.keys = [RawGGUF.pair("general.architecture", "test")]
    file.tensors = [
      RawGGUF.tensor("none", [0, 3]), RawGGUF.tensor("large", [Int64(count)], type: 24),
      RawGGUF.tensor("small", [8], at: UInt64((count + 31) / 32 * 32)),
    ]
    file.data = random.bytes(count)
    while file.data.count % 32 != 0 { file.data.append(0) }
    file.data += random.bytes(32)
    let source = try folder.write(file.bytes, to: "in.gguf")
    _ = try copy(source, to: "out.gguf", threads: threads)
    #expect(try folder.bytes(of: "out.gguf") == file.bytes)
  }

  @Test("a tensor whose size is not known is refused before anything is written")
  func unknownType() throws {
    var file = BadGGUF.sound
    file.tensors[1] = RawGGUF.tensor("b", [8], type: 99, at: 64)
    let source = try folder.write(file.bytes, to: "in.gguf")
    #expect(
      throws: GGUFError.unknownElementType(file: source, tensor: "b", type: "GGML_99")
    ) { try copy(source, to: "out.gguf") }
    #expect(folder.names == ["in.gguf"])
  }

  // MARK: - Failing system calls

  private static let copying = FaultyRuns.file(
    "copying a model",
    after: { try $0.write(BadGGUF.sound.bytes, to: "in.gguf") }
  ) {
    let source = try GGUFCollection($0("in.gguf"))
    try GGUFCopy(of: source, to: $0("out")).run(threads: 1) { _ in }
  }

  @Test("interrupted or cut short, every call is gone on with")
  func resumed() throws {
    let runs = GGUFCopyTests.copying
    let flaws = try runs.flaws(resuming: .error(.interrupted)) + runs.flaws(resuming: .short)
    #expect(flaws == [])
  }

  @Test(
    "a failing call is reported, and harms nothing that was there",
    arguments: [Errno.noSpace, .ioError]
  )
  func failing(code: Errno) throws {
    let flaws = try GGUFCopyTests.copying.flaws(failingWith: code)
    #expect(flaws == [])
  }
}
