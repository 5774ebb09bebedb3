import Calibration
import Checkpoint
import Compression
import Evaluation
import Fixtures
import JSON
import Storage
import SystemPackage
import TestSupport
import Testing

/// A short compression of the micro model that keeps a journal.
private struct ShortRun {
  private let checkpoint: Checkpoint
  private let stream: TokenStream

  init() throws {
    checkpoint = try Checkpoint(Fixtures.path("models/micro-qwen2moe"))
    let text = FilePath(Fixtures.path("text/calibration.jsonl"))
    stream = try TokenStream(.file(text), for: checkpoint, context: 64, limit: 256)
  }

  private var options: MethodOptions {
    var options = MethodOptions()
    options.searchTokens = 64
    options.receptionTokens = 64
    options.population = 8
    options.generations = 2
    return options
  }

  /// Runs it into `x.moepack` below `folder`, or goes on; work files go only when it is done.
  func run(in folder: TemporaryDirectory) throws -> Compressor.Result {
    let path = folder("x.moepack")
    let files = WorkFiles(of: path, in: folder.path)
    let journal = try Journal(files.journal)
    if journal.identity == nil { try journal.begin(JSONObject()) }
    var planner = try Planner(
      checkpoint,
      stream: stream,
      options: options,
      threads: 2,
      spoolFolder: nil,
      observer: QuietObserver()
    )
    planner.work = RunWork(journal, files)
    let compressor = Compressor(planner, tool: "test")
    let result =
      try compressor.finished(path)
      ?? {
        try planner.calibrate(to: files.statistics, tool: "test")
        let plan = try planner.chooseExperts(from: try StatisticsReader(files.statistics))
        return try compressor.run(plan, hasRanks: false, to: path)
      }()
    files.remove()
    journal.remove()
    return result
  }
}

@Suite("A run that is gone on with")
struct ResumeTests {
  @Test("failing at any system call, it goes on to the undisturbed bytes and numbers")
  func anyCall() throws {
    let run = try ShortRun()
    let whole = try TemporaryDirectory()
    var expected: Compressor.Result?
    let calls = try FaultyCalls.counting { expected = try run.run(in: whole) }
    let bytes = try whole.bytes(of: "x.moepack")
    #expect(whole.names == ["x.moepack"])
    #expect(calls.count > 100)
    // A step without common factors with what repeats meets every kind of call in every stage.
    for index in stride(from: 0, to: calls.count, by: max(1, calls.count / 61)) {
      let folder = try TemporaryDirectory()
      var failed = false
      do {
        try FaultyCalls.failing(index, .error(.noSpace)) { _ = try run.run(in: folder) }
      } catch {
        failed = true
        #expect((error as? StorageError)?.isPassing == true, "call \(index): \(error)")
      }
      let standing = try? folder.bytes(of: "x.moepack")
      #expect(standing == nil || standing == bytes, "call \(index), \(calls[index])")
      if failed {
        let result = try run.run(in: folder)
        #expect(result.plan == expected?.plan, "call \(index), \(calls[index])")
        #expect(result.factoring == expected?.factoring, "call \(index), \(calls[index])")
        #expect(result.outputExpertBytes == expected?.outputExpertBytes)
      }
      #expect(try folder.bytes(of: "x.moepack") == bytes, "call \(index), \(calls[index])")
      // A work file that cannot be removed at the very end is no failure of the run.
      let names = folder.names.filter { failed || !$0.hasPrefix("x.moepack.partial") }
      #expect(names == ["x.moepack"], "call \(index), \(calls[index])")
    }
  }

  @Test("failing again and again, it comes further each time and ends with the same bytes")
  func againAndAgain() throws {
    let run = try ShortRun()
    let whole = try TemporaryDirectory()
    _ = try run.run(in: whole)
    let folder = try TemporaryDirectory()
    var rounds = 0
    while true {
      do {
        // Reading back what is there takes calls, too, so each round may make some more.
        let patience = 120 + 20 * rounds
        try FaultyCalls.failing(patience, .error(.ioError), forGood: [.write, .sync]) {
          _ = try run.run(in: folder)
        }
        break
      } catch is StorageError {
        rounds += 1
        try #require(rounds < 200, "no progress")
      }
    }
    #expect(rounds > 1)
    #expect(try folder.bytes(of: "x.moepack") == whole.bytes(of: "x.moepack"))
    #expect(folder.names == ["x.moepack"])
  }

  @Test(
    "a work file that was changed is refused by name",
    arguments: ["x.moepack.partial", "x.moepack.partial-stream", "x.moepack.partial-statistics"]
  )
  func changedWorkFile(name: String) throws {
    let run = try ShortRun()
    let calls = try FaultyCalls.counting { _ = try run.run(in: try TemporaryDirectory()) }
    let folder = try TemporaryDirectory()
    // Late enough for every kind of work file to be there.
    #expect(throws: StorageError.self) {
      try FaultyCalls.failing(calls.count * 3 / 4, .error(.ioError)) {
        _ = try run.run(in: folder)
      }
    }
    var bytes = try folder.bytes(of: name)
    // One bit in the middle of the data.
    bytes[bytes.count / 2] ^= 1
    try folder.write(bytes, to: name)
    let error = #expect(throws: StorageError.self) { try run.run(in: folder) }
    #expect(error?.description.contains(name) == true, "\(String(describing: error))")
    #expect(error?.description.contains("--restart") == true)
    #expect(!folder.names.contains("x.moepack"))
  }
}
