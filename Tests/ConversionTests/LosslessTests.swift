import Checkpoint
import Pack
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Lossless packing")
struct LosslessTests {
  private let place: ConversionFolder
  private var folder: TemporaryDirectory { place.folder }

  init() throws { place = try ConversionFolder() }

  /// Packs a folder and unpacks it, and expects the same files.
  private func roundTrip(
    _ source: String,
    without left: Set<String> = [],
    takesAll: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let original = try folder.files(below: source).filter { !left.contains($0.key) }
    var packs: [[UInt8]] = []
    for threads in [1, 2] {
      try place.convert(source, to: "x.moepack", .pack, takesAll: takesAll, threads: threads)
      packs.append(try folder.bytes(of: "x.moepack"))
      try place.convert("x.moepack", to: "back", .directory, threads: threads)
      let back = try folder.files(below: "back")
      #expect(Set(back.keys) == Set(original.keys), sourceLocation: sourceLocation)
      for (path, bytes) in original {
        #expect(
          firstDifference(back[path] ?? [], bytes) == nil,
          "\(path)",
          sourceLocation: sourceLocation
        )
      }
    }
    #expect(firstDifference(packs[0], packs[1]) == nil, sourceLocation: sourceLocation)
    #expect(place.problems("x.moepack") == [], sourceLocation: sourceLocation)
  }

  @Test("a model comes back byte for byte, in one file and in shards", arguments: [1, 3])
  func models(shards: Int) throws {
    for model in [TinyModel.mixtral(), .mixtral(type: .f32), .qwen2MoE(moeLayers: [1])] {
      try model.write(to: folder, at: "m", shards: shards)
      try folder.write("{}\n", to: "m/tokenizer.json")
      try roundTrip("m")
    }
  }

  @Test("folders below, empty files and odd names come back")
  func otherFiles() throws {
    try TinyModel.mixtral().write(to: folder, at: "m")
    var random = SeededRandom(seed: 1)
    for path in [
      "a/b/c/deep.txt", "empty", "é 😀.md", ".gitattributes", "sub/.hidden", "no extension",
      "sub/model.safetensors.index.json", "-dash", "a/b/other",
    ] {
      try folder.write(path == "empty" ? [] : random.bytes(300), to: "m/\(path)")
    }
    // Below the top a safetensors file is a file like any other, even one that is not sound.
    try folder.write([1, 2, 3], to: "m/sub/broken.safetensors")
    try roundTrip("m")
  }

  @Test("headers come back with their white space, order and strange types")
  func oddHeaders() throws {
    try folder.write("{\"model_type\":\"none\"}", to: "m/config.json")
    let entries = [
      RawSafetensors.entry("late", "F32", [2], 16..<24),
      RawSafetensors.entry("early", "BF16", [3], 0..<6),
      RawSafetensors.entry("strange", "F128", [1], 6..<16),
      RawSafetensors.entry("nothing", "F64", [0, 5], 16..<16),
      RawSafetensors.entry("scalar", "U8", [], 24..<25),
    ]
    let header =
      "  {\n \(entries.joined(separator: " ,\t"))\n, \"__metadata__\":{\"a\":\"\\u00e9\"}}  "
    try folder.write(RawSafetensors.file(header, Array(0..<25)), to: "m/model.safetensors")
    try roundTrip("m")
  }

  @Test("tensors of several chunks come back")
  func large() throws {
    var random = SeededRandom(seed: 2)
    let tensors = [
      RawTensor("w", .bf16, [1300, 1024], using: &random),
      RawTensor("n", .u8, [(1 << 20) + 1], random.bytes((1 << 20) + 1)),
    ]
    try folder.write(RawSafetensors.file(tensors), to: "m/model.safetensors")
    try roundTrip("m")
  }

  @Test("links to files are followed, as in a hub snapshot")
  func links() throws {
    try TinyModel.mixtral().write(to: folder, at: "plain", shards: 2)
    for (name, bytes) in try folder.files(below: "plain") {
      try folder.write(bytes, to: "blobs/\(name).blob")
      try folder.link("m/\(name)", to: "../blobs/\(name).blob")
    }
    try roundTrip("m")
    #expect(!FileSystem.isLink(folder("back/config.json")))
  }

  @Test("one file becomes a pack and a file again")
  func oneFile() throws {
    var random = SeededRandom(seed: 3)
    let bytes = RawSafetensors.file(
      [RawTensor("a", .f16, [10, 10], random.bytes(200))],
      metadata: #"{"k":"v"}"#
    )
    try folder.write(bytes, to: "one.safetensors")
    try place.convert("one.safetensors", to: "x.moepack", .pack)
    try place.convert("x.moepack", to: "two.safetensors", .safetensorsFile)
    #expect(try folder.bytes(of: "two.safetensors") == bytes)
    try place.convert("x.moepack", to: "back", .directory)
    #expect(try folder.files(below: "back") == ["one.safetensors": bytes])
  }

  @Test("weights in other formats, second copies and .git are left out and listed")
  func leftOut() throws {
    try TinyModel.mixtral().write(to: folder, at: "m", shards: 2)
    let copy = RawSafetensors.file([RawTensor("other.name", .u8, [1], [1])])
    let left = [
      ".cache/huggingface/x.lock", ".git/HEAD", ".git/objects/aa", "consolidated.safetensors",
      "flax_model.msgpack", "model.onnx", "old/x.pt", "old/x.pth", "pytorch_model.bin",
      "tf_model.h5",
      "x.gguf",
    ]
    for path in left { try folder.write(path == left[3] ? copy : [1, 2, 3], to: "m/\(path)") }
    let report = try place.convert("m", to: "x.moepack", .pack)
    #expect(
      report.leftOut.map(\.path) == [
        ".cache", ".git", "consolidated.safetensors", "flax_model.msgpack", "model.onnx",
        "old/x.pt",
        "old/x.pth", "pytorch_model.bin", "tf_model.h5", "x.gguf",
      ]
    )
    #expect(report.leftOut.map(\.byteCount) == [3, 6, copy.count, 3, 3, 3, 3, 3, 3, 3])
    try roundTrip("m", without: Set(left))
    try roundTrip("m", takesAll: true)
    #expect(try place.convert("m", to: "y.moepack", .pack, takesAll: true).leftOut == [])
  }

  @Test("without an index consolidated files are the weights")
  func consolidated() throws {
    let bytes = RawSafetensors.file([RawTensor("a", .u8, [1], [1])])
    try folder.write(bytes, to: "m/consolidated.safetensors")
    try roundTrip("m")
  }

  @Test("a second file with the same tensors is refused by name before anything is written")
  func twice() throws {
    let bytes = RawSafetensors.file([RawTensor("a", .u8, [1], [1])])
    try folder.write(bytes, to: "m/model.safetensors")
    try folder.write(bytes, to: "m/model.fp16.safetensors")
    let error = #expect(throws: ConversionError.self) {
      try place.convert("m", to: "x.moepack", .pack)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("holds 'a', which"))
    #expect(folder.names == ["m"])
  }

  @Test("a pack that is to become a pack is refused")
  func packToPack() throws {
    try folder.write(RawSafetensors.file("{}"), to: "one.safetensors")
    try place.convert("one.safetensors", to: "x.moepack", .pack)
    #expect(throws: ConversionError.self) { try place.convert("x.moepack", to: "y.moepack", .pack) }
  }

  @Test("what fails leaves nothing at the destination and nothing beside it")
  func failing() throws {
    try TinyModel.mixtral().write(to: folder, at: "m")
    try place.convert("m", to: "x.moepack", .pack)
    var bytes = try folder.bytes(of: "x.moepack")
    let chunk = HandmadePack(bytes, hash: { Checksum.of($0) }).chunks[5]
    bytes[Int(chunk.offset)] ^= 1
    try folder.write(bytes, to: "x.moepack")
    #expect(throws: PackError.self) { try place.convert("x.moepack", to: "back", .directory) }
    #expect(throws: PackError.self) {
      try place.convert("x.moepack", to: "back.safetensors", .safetensorsFile)
    }
    #expect(folder.names == ["m", "x.moepack"])
    try folder.resize("m/model.safetensors", to: 3000)
    #expect(throws: (any Error).self) { try place.convert("m", to: "y.moepack", .pack) }
    #expect(folder.names == ["m", "x.moepack"])
  }

  @Test("forecasts are what the reports then say")
  func forecast() throws {
    try TinyModel.mixtral().write(to: folder, at: "m")
    let request = ConversionRequest(
      source: try Checkpoint(folder("m").string),
      destination: folder("x.moepack"),
      threads: 1,
      tool: "test"
    )
    let job = try request.job(for: .pack)
    var done = 0
    let report = try job.run { done += $0 }
    #expect(job.forecast.tensorCount == report.tensorCount)
    #expect(report.byteCount > 0 && done > 0 && done <= job.sourceByteCount)
    #expect(job.estimatedPeakMemory > 0)
    #expect(report.byteCount == FileSystem.byteCount(folder("x.moepack")))
  }
}
