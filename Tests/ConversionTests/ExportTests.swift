import Checkpoint
import JSON
import Pack
import Safetensors
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Export")
struct ExportTests {
  private let place: ConversionFolder
  private var folder: TemporaryDirectory { place.folder }

  init() throws { place = try ConversionFolder() }

  private func write(_ model: TinyModel, shards: Int = 1) throws {
    try model.write(to: folder, at: "m", shards: shards)
  }

  private func types(_ path: String) throws -> Set<String> {
    Set(try Checkpoint(folder(path).string).tensors.map(\.type.name))
  }

  // MARK: - Types

  @Test("a wider type keeps every value, and the configuration says which it is")
  func wider() throws {
    for model in [TinyModel.mixtral(), .qwen2MoE(moeLayers: [1])] {
      try write(model)
      for threads in [1, 2] {
        try place.convert("m", to: "out", .directory, type: .f32, threads: threads)
        #expect(try types("out") == ["F32"])
        #expect(try place.values("out") == place.values("m"))
        #expect(try place.configuration("out")["torch_dtype"] == "float32")
        try Checkpoint(folder("out").string).requireComplete()
      }
    }
  }

  @Test("a narrower type rounds to nearest, ties to even")
  func narrower() throws {
    try write(.mixtral(type: .f32))
    try place.convert("m", to: "out", .directory, type: .bf16)
    let (source, narrow) = (try place.values("m"), try place.values("out"))
    for (name, values) in source {
      let rounded = values.map { value -> Float in
        let bits = value.bitPattern
        return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
      }
      #expect(narrow[name] == rounded, "\(name)")
    }
    #expect(try place.configuration("out")["torch_dtype"] == "bfloat16")
  }

  @Test("tensors that are no numbers to compute with keep their type")
  func keepsIntegers() throws {
    var model = TinyModel.mixtral()
    model.tensors.append(RawTensor("ids", .i64, [2], Array(0..<16)))
    model.tensors.append(RawTensor("odd", .u8, [3], [1, 2, 3]))
    try write(model)
    try place.convert("m", to: "out", .directory, type: .f32)
    let checkpoint = try Checkpoint(folder("out").string)
    for name in ["ids", "odd"] {
      let index = try #require(checkpoint.tensors.firstIndex { $0.name == name })
      #expect(try checkpoint.source.bytes(ofTensor: index) == model[name]?.bytes)
      #expect(checkpoint.tensors[index].type == model[name]?.type)
    }
  }

  @Test("a large tensor is converted piece by piece without a seam", arguments: [1, 2])
  func pieces(threads: Int) throws {
    var random = SeededRandom(seed: 4)
    let tensor = RawTensor("w", .bf16, [1201, 1001], using: &random)
    try folder.write(RawSafetensors.file([tensor]), to: "m.safetensors")
    try place.convert(
      "m.safetensors",
      to: "f32.safetensors",
      .safetensorsFile,
      type: .f32,
      threads: threads
    )
    #expect(try place.values("f32.safetensors") == place.values("m.safetensors"))
    try place.convert(
      "f32.safetensors",
      to: "bf16.safetensors",
      .safetensorsFile,
      type: .bf16,
      threads: threads
    )
    let reader = try SafetensorsReader(folder("bf16.safetensors"))
    #expect(firstDifference(try reader.bytes(ofTensor: 0), tensor.bytes) == nil)
  }

  @Test("a block type is not for safetensors, and is refused without a trace")
  func blockType() throws {
    try write(.mixtral())
    #expect(throws: (any Error).self) { try place.convert("m", to: "out", .directory, type: .q8_0) }
    #expect(folder.names == ["m"])
  }

  @Test("values that are no numbers are refused when their type is to change")
  func notFinite() throws {
    var model = TinyModel.mixtral()
    model.tensors[0].bytes.put(UInt16(0x7F80), at: 0)
    try write(model)
    #expect(
      throws:
        CheckpointError.notFinite(path: folder("m"), tensor: "lm_head.weight", element: [0, 0])
    ) {
      try place.convert("m", to: "out", .directory, type: .f32)
    }
    #expect(folder.names == ["m"])
    try place.convert("m", to: "out", .directory)
  }

  @Test("a tensor in blocks is widened block by block, in one piece and in several")
  func blocks() throws {
    for blocks in [3, 40_000] {
      var pack = HandmadePack(hash: { Checksum.of($0) })
      let block = [UInt8].littleEndian(UInt16(0x3C00)) + (0..<32).map { UInt8($0) }
      for number in 0..<2 {
        let bytes = (0..<blocks).flatMap { _ in block }
        pack.add("t\(number)", "Q8_0", [blocks, 32], bytes)
      }
      pack.model = Array(#"{"kind":"compressed"}"#.utf8)
      try folder.write(pack.bytes(), to: "x.moepack")
      try place.convert("x.moepack", to: "out", .directory, type: .f32, threads: 2)
      let values = try place.values("out")
      for name in ["t0", "t1"] {
        #expect(values[name] == (0..<blocks * 32).map { Float($0 % 32) })
      }
      folder.remove("out")
    }
  }

  @Test("experts and routers of other shapes than the configuration's are refused, fused ones too")
  func otherShapes() throws {
    for isFused in [false, true] {
      for (key, value) in [("num_local_experts", 5), ("intermediate_size", 7)]
        as [(String, JSONValue)]
      {
        var model = TinyModel.mixtral()
        if isFused { model.fuseExperts() }
        model.set(key, value)
        try write(model)
        let error = #expect(throws: CheckpointError.self) {
          try place.convert("m", to: "out", .directory)
        }
        guard case .wrongShape? = error else {
          Issue.record("another error: \(String(describing: error))")
          return
        }
      }
    }
    #expect(folder.names == ["m"])
  }

  // MARK: - Shards

  @Test("shards stay below their size, and read back as one model")
  func shards() throws {
    let model = TinyModel.mixtral()
    try write(model)
    let report = try place.convert("m", to: "out", .directory, shardBytes: 1000)
    #expect(report.tensorCount == model.tensors.count)
    let names = Set(try folder.files(below: "out").keys)
    #expect(names.contains("model.safetensors.index.json") && !names.contains("model.safetensors"))
    let files = names.filter { $0.hasSuffix(".safetensors") }
    #expect(files.count > 3)
    for file in files {
      let reader = try SafetensorsReader(folder("out/\(file)"))
      #expect(reader.tensors.reduce(0) { $0 + $1.byteCount } <= 1000)
    }
    #expect(try place.values("out") == place.values("m"))
    try Checkpoint(folder("out").string).requireComplete()
  }

  @Test("other files come along, old indices and weights do not")
  func otherFiles() throws {
    try write(.mixtral(), shards: 3)
    try folder.write("{}", to: "m/tokenizer.json")
    try folder.write("x", to: "m/sub/x.txt")
    try folder.write([1], to: "m/pytorch_model.bin")
    try place.convert("m", to: "out", .directory, type: .f32)
    #expect(
      Set(try folder.files(below: "out").keys) == [
        "config.json", "model.safetensors", "sub/x.txt", "tokenizer.json",
      ]
    )
  }

  @Test("a pack exports what its folder exports")
  func fromPack() throws {
    try write(.qwen2MoE(), shards: 2)
    try folder.write("{}", to: "m/tokenizer.json")
    try place.convert("m", to: "x.moepack", .pack)
    try place.convert("m", to: "a", .directory, type: .f16, shardBytes: 2000)
    try place.convert("x.moepack", to: "b", .directory, type: .f16, shardBytes: 2000)
    #expect(try folder.files(below: "a") == folder.files(below: "b"))
  }

  @Test("a family that is not known is exported tensor by tensor")
  func unknownFamily() throws {
    var model = TinyModel.mixtral()
    model.set("model_type", "other")
    try write(model)
    try place.convert("m", to: "out", .directory, type: .f32)
    #expect(try place.values("out") == place.values("m"))
    #expect(throws: CheckpointError.self) {
      try place.convert("m", to: "out2", .directory, plan: [0: [0]])
    }
  }

  // MARK: - Plans

  /// Checks that the experts of `out` are the kept ones of `m`, renumbered.
  private func expectKept(_ plan: [Int: [Int]], _ out: String) throws {
    let (a, b) = (try Checkpoint(folder("m").string), try Checkpoint(folder(out).string))
    try b.requireComplete()
    let c = try a.requireConfiguration()
    func values(_ model: Checkpoint, _ layer: Int, _ expert: Int, _ projection: Projection) throws
      -> [Float]
    {
      let matrix = try #require(
        model.expertMatrix(layer: layer, expert: expert, projection: projection)
      )
      guard case .dense(let tensor, let offset) = matrix.form else { return [] }
      var values = [Float](repeating: 0, count: matrix.rows * matrix.columns)
      try values.withUnsafeMutableBufferPointer {
        try model.widen(tensor: tensor, fromByte: offset, into: $0)
      }
      return values
    }
    for layer in c.moeLayers {
      let kept = plan[layer] ?? []
      for (number, expert) in kept.enumerated() {
        for projection in Projection.allCases {
          #expect(
            try values(b, layer, number, projection) == values(a, layer, expert, projection)
          )
        }
      }
      let router = try #require(a.index(of: TensorPlace(.router, layer: layer)))
      let pruned = try #require(b.index(of: TensorPlace(.router, layer: layer)))
      let rows = try a.source.bytes(ofTensor: router)
      let expected = kept.flatMap { rows[$0 * 16..<($0 + 1) * 16] }
      #expect(b.tensors[pruned].shape == [kept.count, 8])
      #expect(try b.source.bytes(ofTensor: pruned) == expected)
    }
  }

  @Test("a plan keeps its experts, their router rows and the counts")
  func plan() throws {
    let plan = [0: [1, 3], 1: [0, 2]]
    for model in [TinyModel.mixtral(), .qwen2MoE()] {
      for isFused in [false, true] {
        var model = model
        if isFused { model.fuseExperts() }
        try write(model)
        try place.convert("m", to: "out", .directory, plan: plan)
        try expectKept(plan, "out")
        let configuration = try place.configuration("out")
        let key =
          model.configuration["model_type"] == "mixtral" ? "num_local_experts" : "num_experts"
        #expect(configuration[key] == 2)
        #expect(configuration["num_experts_per_tok"] == 2)
      }
    }
  }

  @Test("top-k never exceeds the experts that are left")
  func topK() throws {
    try write(.mixtral())
    try place.convert("m", to: "out", .directory, plan: [0: [3], 1: [0]])
    #expect(try place.configuration("out")["num_local_experts"] == 1)
    #expect(try place.configuration("out")["num_experts_per_tok"] == 1)
    try expectKept([0: [3], 1: [0]], "out")
  }

  @Test("different numbers of experts per layer cannot be said and are refused")
  func uneven() throws {
    try write(.mixtral())
    let error = #expect(throws: ConversionError.self) {
      try place.convert("m", to: "out", .directory, plan: [0: [0, 1], 1: [0, 1, 2]])
    }
    guard case .notExpressible(_, let reason, let remedy) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(reason.contains("(2 to 3)") && remedy.contains("--uniform"))
    #expect(folder.names == ["m"])
  }

  // MARK: - Compressed packs

  /// A Mixtral whose layer 0 keeps experts 1 and 3, expert 3's gate as factors of rank 2.
  private func compressed() throws -> (factors: [[Float]], model: TinyModel) {
    let model = TinyModel.mixtral(type: .f32)
    var random = SeededRandom(seed: 6)
    let (u, v) = (random.weights(2 * 6), random.weights(2 * 8))
    let writer = try PackWriter(replacing: folder("c.moepack"), threads: 1)
    let configuration = Array(model.configuration.text(pretty: true).utf8)
    try writer.addFile(path: "config.json", byteCount: configuration.count) { range, buffer in
      buffer.copyBytes(from: configuration[range])
    }
    func add(_ tensor: RawTensor) throws -> Int {
      try writer.addTensor(
        TensorLayout(name: tensor.name, type: tensor.type, shape: tensor.shape),
        byteCount: tensor.bytes.count
      ) { range, buffer in buffer.copyBytes(from: tensor.bytes[range]) }.part
    }
    let gate = "model.layers.0.block_sparse_moe.experts.3.w1.weight"
    for var tensor in model.tensors {
      let isPruned = [0, 2].contains {
        tensor.name.hasPrefix("model.layers.0.block_sparse_moe.experts.\($0).")
      }
      if isPruned || tensor.name == gate { continue }
      if tensor.name == "model.layers.0.block_sparse_moe.gate.weight" {
        tensor.shape[0] = 2
        tensor.bytes = Array(tensor.bytes[32..<64] + tensor.bytes[96..<128])
      }
      if tensor.name == "model.layers.1.block_sparse_moe.gate.weight" {
        tensor.shape[0] = 2
        tensor.bytes = Array(tensor.bytes[..<64])
      }
      if [2, 3].contains(where: {
        tensor.name.hasPrefix("model.layers.1.block_sparse_moe.experts.\($0).")
      }) {
        continue
      }
      _ = try add(tensor)
    }
    let left = try add(RawTensor(gate + "#u", .f32, [2, 6], values: u))
    let right = try add(RawTensor(gate + "#v", .f32, [2, 8], values: v))
    writer.addMatrix(
      PackMatrix(
        layer: 0,
        expert: 3,
        projection: .gate,
        form: .factors,
        rows: 6,
        columns: 8,
        parts: [left, right]
      )
    )
    try writer.finish(model: [
      "kind": "compressed",
      "layers": [
        ["layer": 0, "experts": 4, "kept": [1, 3], "topK": 2],
        ["layer": 1, "experts": 4, "kept": [0, 1], "topK": 2],
      ],
    ])
    return ([u, v], model)
  }

  @Test("a compressed pack is complete, and verifies")
  func compressedPack() throws {
    _ = try compressed()
    let checkpoint = try Checkpoint(folder("c.moepack").string)
    try checkpoint.requireComplete()
    #expect(checkpoint.keptExperts == [0: [1, 3], 1: [0, 1]])
    #expect(place.problems("c.moepack") == [])
  }

  @Test("factors are multiplied back and experts renumbered")
  func factors() throws {
    let (factors, model) = try compressed()
    try place.convert("c.moepack", to: "out", .directory)
    let checkpoint = try Checkpoint(folder("out").string)
    try checkpoint.requireComplete()
    #expect(try place.configuration("out")["num_local_experts"] == 2)
    let values = try place.values("out")
    let product = try #require(values["model.layers.0.block_sparse_moe.experts.1.w1.weight"])
    for row in 0..<6 {
      for column in 0..<8 {
        let expected = (0..<2).reduce(0.0) { sum, rank in
          sum + Double(factors[0][rank * 6 + row]) * Double(factors[1][rank * 8 + column])
        }
        #expect(abs(Double(product[row * 8 + column]) - expected) < 1e-8)
      }
    }
    let down = "model.layers.0.block_sparse_moe.experts"
    let original = try #require(model["\(down).3.w2.weight"])
    #expect(
      values["\(down).1.w2.weight"]?.flatMap { [UInt8].littleEndian($0.bitPattern) }
        == original.bytes
    )
    #expect(!values.keys.contains { $0.contains("#") })
  }
}
