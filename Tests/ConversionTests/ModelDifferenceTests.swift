import Checkpoint
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Differences of models")
struct ModelDifferenceTests {
  private let place: ConversionFolder
  private var folder: TemporaryDirectory { place.folder }

  init() throws { place = try ConversionFolder() }

  private func compare(
    _ a: String,
    _ b: String,
    threads: Int = 2,
    isWanted: (String) -> Bool = { _ in true }
  ) throws -> ModelDifference {
    let comparison = try ModelComparison(
      try Checkpoint(folder(a).string),
      try Checkpoint(folder(b).string),
      threads: threads,
      isWanted: isWanted
    )
    var done = 0
    let difference = try comparison.run { done += $0 }
    #expect(done == comparison.byteCount)
    return difference
  }

  /// Writes two files of tensors without a configuration and compares them.
  private func compare(_ a: [RawTensor], _ b: [RawTensor]) throws -> ModelDifference {
    try folder.write(RawSafetensors.file(a), to: "a.safetensors")
    try folder.write(RawSafetensors.file(b), to: "b.safetensors")
    return try compare("a.safetensors", "b.safetensors")
  }

  private func vector(_ name: String, _ values: [Float], _ type: ElementType = .f32) -> RawTensor {
    RawTensor(name, type, [values.count], values: values)
  }

  // MARK: - Numbers

  @Test("errors are Frobenius norms relative to the first model, worst first")
  func numbers() throws {
    let found = try compare(
      [vector("p", [3, 4, 0, 0, 0]), vector("q", [1, 1]), vector("r", [2])],
      [vector("q", [1, 1]), vector("r", [-2]), vector("p", [3, 4, 0, 0, 0.5])]
    )
    #expect(found.tensors.map(\.name) == ["r", "p", "q"])
    #expect(found.tensors.map(\.relativeError) == [2, 0.1, 0])
    #expect(found.tensors.map(\.maxAbsolute) == [4, 0.5, 0])
    #expect(found.differingCount == 2 && !found.isEmpty)
  }

  @Test("zero against something is infinite, NaN is no number, both come first")
  func oddNumbers() throws {
    let found = try compare(
      [
        vector("zero", [0, 0]), vector("zeros", [0, 0]), vector("small", [1, 0]),
        vector("nan", [1, .nan]), vector("infinite", [.infinity, 1]), vector("empty", []),
      ],
      [
        vector("zero", [0, 3]), vector("zeros", [0, -0.0]), vector("small", [1.5, 0]),
        vector("nan", [1, 1]), vector("infinite", [.infinity, 1]), vector("empty", []),
      ]
    )
    #expect(found.tensors.map(\.name) == ["nan", "infinite", "zero", "small", "zeros", "empty"])
    #expect(found.tensors[0].relativeError.isNaN && found.tensors[0].maxAbsolute.isNaN)
    #expect(found.tensors[1].relativeError.isNaN)
    #expect(found.tensors[2].relativeError == .infinity && found.tensors[2].maxAbsolute == 3)
    #expect(found.tensors[4].relativeError == 0 && found.tensors[5].relativeError == 0)
  }

  @Test("long tensors of two types are compared in pieces, alike with any number of threads")
  func pieces() throws {
    var random = SeededRandom(seed: 5)
    let values = random.weights(3 * 1_000_003)
    try folder.write(RawSafetensors.file([vector("w", values)]), to: "a.safetensors")
    try folder.write(RawSafetensors.file([vector("w", values, .bf16)]), to: "b.safetensors")
    let found = try compare("a.safetensors", "b.safetensors", threads: 1)
    var (difference, reference, largest) = (0.0, 0.0, 0.0)
    for x in values {
      let d = Double(x) - Double(Float(bitPattern: x.bitPattern & 0xFFFF_0000))
      (difference, reference) = (difference + d * d, reference + Double(x) * Double(x))
      largest = max(largest, abs(d))
    }
    let expected = (difference / reference).squareRoot()
    #expect(abs(found.tensors[0].relativeError - expected) < 1e-9 * expected)
    #expect(found.tensors[0].maxAbsolute == largest)
    #expect(found.tensors[0].types == .init(a: "F32", b: "BF16"))
    #expect(try compare("a.safetensors", "b.safetensors", threads: 4) == found)
  }

  // MARK: - What has no like

  @Test("names, shapes and types that do not meet are listed apart")
  func mismatches() throws {
    let found = try compare(
      [
        vector("both", [1]), vector("first", [1]), vector("shape", [1, 2]),
        RawTensor("type", .i64, [1], Array(repeating: 0, count: 8)),
        RawTensor("ids", .i32, [1], [1, 0, 0, 0]), RawTensor("mask", .bool, [2], [0, 1]),
      ],
      [
        vector("both", [1]), vector("second", [1]),
        RawTensor("shape", .f32, [2, 1], values: [1, 2]),
        vector("type", [0]), RawTensor("ids", .i32, [1], [2, 0, 0, 0]),
        RawTensor("mask", .bool, [2], [0, 1]),
      ]
    )
    #expect(found.onlyInA == ["first"] && found.onlyInB == ["second"])
    #expect(found.differentShape == [.init(name: "shape", found: .init(a: [2], b: [2, 1]))])
    #expect(found.notComparable == [.init(name: "type", found: .init(a: "I64", b: "F32"))])
    #expect(found.tensors.map(\.name) == ["ids", "both", "mask"])
    #expect(found.tensors[0].relativeError.isNaN, "bytes that differ have no error")
    #expect(found.tensors[2].relativeError == 0)
  }

  @Test("only tensors of the wanted names are looked at")
  func wanted() throws {
    try TinyModel.mixtral().write(to: folder, at: "a")
    try TinyModel.mixtral(experts: 3).write(to: folder, at: "b")
    let found = try compare("a", "b") { $0.contains("experts.3") }
    #expect(found.tensors.isEmpty && found.onlyInA.count == 6 && found.onlyInB.isEmpty)
  }

  // MARK: - Families

  @Test("fused experts are compared with those of their own tensors, one by one")
  func fused() throws {
    for model in [TinyModel.mixtral(), .qwen2MoE()] {
      try model.write(to: folder, at: "a")
      var other = model
      other.fuseExperts()
      try other.write(to: folder, at: "b")
      let found = try compare("a", "b")
      #expect(found.isEmpty)
      #expect(found.tensors.count == model.tensors.count)
      #expect(Set(found.tensors.map(\.name)) == Set(model.tensors.map(\.name)))
      #expect(try compare("b", "b").tensors.count == model.tensors.count)
    }
  }

  @Test("an output that is the embedding is compared as it, unless both leave it out")
  func tied() throws {
    var tied = TinyModel.mixtral()
    tied.set("tie_word_embeddings", true)
    tied.remove("lm_head.weight")
    try tied.write(to: folder, at: "tied")
    try TinyModel.mixtral().write(to: folder, at: "own")
    let found = try compare("tied", "own")
    #expect(found.onlyInA.isEmpty && found.onlyInB.isEmpty)
    #expect(found.tensors.first?.name == "lm_head.weight" && found.differingCount == 1)
    #expect(try compare("own", "tied").differingCount == 1)
    #expect(try compare("tied", "tied").tensors.contains { $0.name == "lm_head.weight" } == false)
  }

  @Test("unlike families are compared by the names that they share")
  func unlike() throws {
    try TinyModel.mixtral().write(to: folder, at: "a")
    try TinyModel.qwen2MoE().write(to: folder, at: "b")
    let found = try compare("a", "b")
    #expect(found.tensors.contains { $0.name == "model.embed_tokens.weight" })
    #expect(found.onlyInA.count == 2 * (1 + 4 * 3))
  }

  @Test("experts that do not have the configuration's shape are refused by name")
  func wrongShape() throws {
    var model = TinyModel.mixtral()
    model.set("intermediate_size", 5)
    try model.write(to: folder, at: "a")
    try TinyModel.mixtral().write(to: folder, at: "b")
    #expect(throws: CheckpointError.self) { try compare("a", "b") }
  }

  @Test("a pack without loss has no difference")
  func pack() throws {
    try TinyModel.qwen2MoE().write(to: folder, at: "a")
    try place.convert("a", to: "b.moepack", .pack)
    #expect(try compare("a", "b.moepack").isEmpty)
    #expect(try compare("b.moepack", "a").tensors.count == TinyModel.qwen2MoE().tensors.count)
  }
}
