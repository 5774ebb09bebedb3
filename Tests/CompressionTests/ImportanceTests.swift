import Calibration
import Checkpoint
import Compression
import Evaluation
import Fixtures
import ImportanceMatrix
import JSON
import Safetensors
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// A calibration with an importance matrix.
private struct ImportanceRun {
  let checkpoint: Checkpoint
  let stream: TokenStream

  /// Of the model in `folder` on `ids`.
  init(_ folder: String, ids: [Int], context: Int, in scratch: TemporaryDirectory) throws {
    checkpoint = try Checkpoint(folder)
    let file = try scratch.write("\(ids)", to: "ids.json")
    stream = try TokenStream(.ids(file), for: checkpoint, context: context, limit: nil)
  }

  /// Runs it into `s.safetensors` and `x.gguf`, or goes on where `keepsWork` says so.
  func run(
    in folder: TemporaryDirectory,
    threads: Int = 2,
    searchTokens: Int? = 16,
    spools: Bool = false,
    keepsWork: Bool = false
  ) throws {
    var options = MethodOptions()
    options.searchTokens = searchTokens
    var planner = try Planner(
      checkpoint,
      stream: stream,
      options: options,
      threads: threads,
      spoolFolder: spools ? folder.path : nil,
      observer: QuietObserver()
    )
    let output = ImportanceRecord.Output(path: folder("x.gguf"), dataset: "ids.json")
    let path = folder("s.safetensors")
    guard keepsWork else {
      return try planner.calibrate(to: path, tool: "test", importance: output)
    }
    let files = WorkFiles(of: path, in: folder.path, second: output.path)
    let journal = try Journal(files.journal)
    if journal.identity == nil { try journal.begin(JSONObject()) }
    planner.work = RunWork(journal, files)
    try planner.calibrate(to: path, tool: "test", importance: output)
    files.remove()
    journal.remove()
  }
}

@Suite("The importance matrix of calibration")
struct ImportanceTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private static let micro = Fixtures.path("models/micro-qwen2moe")

  @Test("sums of squares agree with PyTorch to 1e-5, counts exactly")
  func oracle() throws {
    let oracle = try SafetensorsReader(
      FilePath(Fixtures.path("oracles/imatrix-micro-qwen2moe.safetensors"))
    )
    var expected: [String: [UInt8]] = [:]
    for (index, tensor) in oracle.tensors.enumerated() {
      expected[tensor.name] = try oracle.bytes(ofTensor: index)
    }
    let ids = try #require(expected["input_ids"])
    expected["input_ids"] = nil
    let run = try ImportanceRun(
      ImportanceTests.micro,
      ids: stride(from: 0, to: ids.count, by: 4).map { Int(ids.integer(Int32.self, at: $0)) },
      context: 128,
      in: folder
    )
    try run.run(in: folder)
    let matrix = try ImportanceMatrix(reading: folder("x.gguf"))
    #expect(matrix.datasets == ["ids.json"])
    #expect(matrix.chunkCount == 4 && matrix.chunkSize == 128)
    #expect(2 * matrix.entries.count == expected.count)
    for entry in matrix.entries {
      let sums = try #require(expected["\(entry.name).in_sum2"])
      let counts = try #require(expected["\(entry.name).counts"])
      #expect(sums.count == 4 * entry.sums.count && counts.count == 4 * entry.counts.count)
      for (place, value) in entry.sums.enumerated() {
        let reference = Float(bitPattern: sums.integer(at: 4 * place))
        #expect(
          abs(value - reference) <= 1e-5 * reference,
          "\(entry.name) \(place): \(value), PyTorch \(reference)"
        )
      }
      for (place, value) in entry.counts.enumerated() {
        #expect(value == Float(bitPattern: counts.integer(at: 4 * place)), "\(entry.name) \(place)")
      }
    }
    let frequencies = try #require(matrix.expertFrequencies(layer: 2))
    #expect(frequencies.count == 16 && abs(frequencies.reduce(0, +) - 1) < 1e-6)
  }

  @Test("threads, spooling and the search's sample change no byte; the statistics stay as they are")
  func deterministic() throws {
    let run = try ImportanceRun(
      ImportanceTests.micro,
      ids: (0..<1024).map { $0 * 7 % 1024 },
      context: 64,
      in: folder
    )
    try run.run(in: folder, threads: 1)
    let (matrix, statistics) = (
      try folder.bytes(of: "x.gguf"), try folder.bytes(of: "s.safetensors")
    )
    try run.run(in: folder, threads: 2, spools: true)
    #expect(try folder.bytes(of: "x.gguf") == matrix)
    #expect(try folder.bytes(of: "s.safetensors") == statistics)
    // More of each token's experts are computed, and none of them counts.
    try run.run(in: folder, searchTokens: nil)
    let counts = try ImportanceMatrix(reading: folder("x.gguf")).expertCounts(layer: 1)
    #expect(counts?.reduce(0, +) == 4096)
    var options = MethodOptions()
    options.searchTokens = 16
    let planner = try Planner(
      run.checkpoint,
      stream: run.stream,
      options: options,
      threads: 2,
      spoolFolder: nil,
      observer: QuietObserver()
    )
    try planner.calibrate(to: folder("s.safetensors"), tool: "test")
    #expect(try folder.bytes(of: "s.safetensors") == statistics)
    let size = try folder.bytes(of: "x.gguf").count
    #expect(size <= planner.importanceBytes)
  }

  @Test("the matrices are those of the family, in every layer", arguments: [[0, 1], [1], [0]])
  func names(moeLayers: [Int]) throws {
    let model = try folder.makeFolder("model")
    try TinyModel.qwen2MoE(moeLayers: moeLayers).write(to: folder, at: "model")
    let run = try ImportanceRun(
      model.string,
      ids: (0..<32).map { $0 % 16 },
      context: 8,
      in: folder
    )
    try run.run(in: folder)
    let matrix = try ImportanceMatrix(reading: folder("x.gguf"))
    var expected: [String: Int] = [:]
    for layer in 0..<2 {
      let isMixture = moeLayers.contains(layer)
      let dense = ["ffn_gate": 8, "ffn_up": 8, "ffn_down": 10]
      let mixture = [
        "ffn_gate_inp": 8, "ffn_gate_exps": 32, "ffn_up_exps": 32, "ffn_down_exps": 24,
        "ffn_gate_shexp": 8, "ffn_up_shexp": 8, "ffn_down_shexp": 12, "ffn_gate_inp_shexp": 8,
      ]
      let attention = ["attn_q": 8, "attn_k": 8, "attn_v": 8, "attn_output": 8]
      for part in [attention, isMixture ? mixture : dense] {
        for (name, size) in part { expected["blk.\(layer).\(name).weight"] = size }
      }
    }
    let found = matrix.entries.map { ($0.name, $0.sums.count) }
    #expect(Dictionary(uniqueKeysWithValues: found) == expected)
    for entry in matrix.entries {
      let isExpert = entry.name.contains("_exps")
      #expect(entry.counts.reduce(0, +) == (isExpert ? 2 * 32 : 32), "\(entry.name)")
    }
  }

  /// A run over four windows of 32 tokens.
  private func fourWindows() throws -> ImportanceRun {
    try ImportanceRun(
      ImportanceTests.micro,
      ids: (0..<128).map { $0 * 7 % 1024 },
      context: 32,
      in: folder
    )
  }

  @Test("failing at any system call, a run goes on to the undisturbed bytes of both files")
  func resumed() throws {
    let run = try fourWindows()
    let whole = try TemporaryDirectory()
    let calls = try FaultyCalls.counting { try run.run(in: whole, keepsWork: true) }
    let names = ["s.safetensors", "x.gguf"]
    #expect(whole.names == names)
    for index in stride(from: 0, to: calls.count, by: max(1, calls.count / 97)) {
      let folder = try TemporaryDirectory()
      var failed = false
      do {
        try FaultyCalls.failing(index, .error(.noSpace)) {
          try run.run(in: folder, keepsWork: true)
        }
      } catch {
        failed = true
        #expect((error as? StorageError)?.isPassing == true, "call \(index): \(error)")
        try run.run(in: folder, keepsWork: true)
      }
      for name in names {
        #expect(
          try folder.bytes(of: name) == whole.bytes(of: name),
          "call \(index), \(calls[index]): \(name)"
        )
      }
      // A work file that cannot be removed at the very end is no failure of the run.
      let left = folder.names.filter { failed || !$0.contains(".partial") }
      #expect(left == names, "call \(index), \(calls[index])")
    }
  }

  @Test("killed around the placing of either file, a run ends with both; a changed one is refused")
  func placing() throws {
    let run = try fourWindows()
    let whole = try TemporaryDirectory()
    let calls = try FaultyCalls.counting { try run.run(in: whole, keepsWork: true) }
    let renames = calls.indices.filter { calls[$0] == .rename }
    #expect(renames.count == 2)
    for (number, index) in renames.enumerated() {
      let folder = try TemporaryDirectory()
      #expect(throws: StorageError.self) {
        try FaultyCalls.failing(index, .error(.ioError)) {
          try run.run(in: folder, keepsWork: true)
        }
      }
      // The importance matrix goes first.
      let names = Set(folder.names)
      #expect(names.contains("x.gguf") == (number == 1))
      #expect(!names.contains("s.safetensors"))
      let spoilt = number == 1 ? "x.gguf" : "x.gguf.partial"
      let bytes = try folder.bytes(of: spoilt)
      var other = bytes
      other[bytes.count / 2] ^= 1
      try folder.write(other, to: spoilt)
      let error = #expect(throws: StorageError.self) { try run.run(in: folder, keepsWork: true) }
      #expect(error?.description.contains(spoilt) == true, "\(String(describing: error))")
      try folder.write(bytes, to: spoilt)
      try run.run(in: folder, keepsWork: true)
      for name in ["s.safetensors", "x.gguf"] {
        #expect(try folder.bytes(of: name) == whole.bytes(of: name))
      }
    }
  }
}
