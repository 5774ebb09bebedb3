import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import GGUF

/// Every system call of writing and reading a GGUF file fails once.
@Suite("Failing system calls of a GGUF file")
struct GGUFFaultTests {
  private static let writing = FaultyRuns.file("writing a file") {
    try Model.sample.write($0("out"))
  }

  private static let reading = FaultyRuns.folder(
    "reading a file",
    after: { try Model.sample.write($0("out")) }
  ) {
    let isHeld = try Model.sample.isHeld(by: GGUFCollection($0("out")))
    #expect(isHeld)
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

  // MARK: - Splits

  private static let limits = GGUFShardPlan.Limits(tensors: 3)

  /// Splits of the same names with other content, some of them.
  private static func prepare(_ folder: TemporaryDirectory, _ old: [Int]) throws {
    for number in old { try folder.write("old \(number)", to: "out-0000\(number)-of-00003.gguf") }
  }

  @Test(
    "whichever call fails, all splits are the old ones or all are the new ones",
    arguments: [[], [1, 2, 3], [2], [1, 3]],
    [Errno.noSpace, .ioError]
  )
  func splits(old: [Int], code: Errno) throws {
    func run(_ folder: TemporaryDirectory) throws {
      try Model.sample.write(folder("out.gguf"), GGUFFaultTests.limits)
    }
    let clean = try TemporaryDirectory()
    try GGUFFaultTests.prepare(clean, old)
    let before = try clean.files()
    let calls = try FaultyCalls.counting { try run(clean) }
    let after = try clean.files()
    #expect(after.count == 3)
    #expect(calls.filter { $0 == .rename }.count == 3 + old.count)
    let placing = try #require(calls.lastIndex(of: .sync))
    for index in calls.indices {
      let folder = try TemporaryDirectory()
      try GGUFFaultTests.prepare(folder, old)
      var failure: (any Error)?
      do {
        try FaultyCalls.failing(index, .error(code)) { try run(folder) }
      } catch { failure = error }
      let found = try folder.files()
      let what = "call \(index), \(calls[index]): \(failure.map { "\($0)" } ?? "succeeded")"
      if failure == nil {
        // Closing what was synced, and clearing away what was set aside, may fail.
        let whole = found.filter { !$0.key.hasSuffix(".partial-replaced") }
        #expect(whole == after, "\(what)")
        #expect(calls[index] == .close || index > placing, "\(what)")
      } else {
        // A work file that could not be locked may be another run's.
        let rest = found.filter { !$0.key.hasSuffix(".partial") || $0.value != [] }
        #expect(rest == before, "\(what): \(found.keys.sorted())")
        #expect(failure is StorageError, "\(what)")
      }
    }
  }

  /// A kill between two renamings leaves what a failing one leaves whose undoing fails as well.
  @Test("killed while splits are put in place, a run leaves no mixture that opens")
  func killed() throws {
    var old = Model.sample
    for index in old.tensors.indices {
      old.tensors[index].bytes.indices.forEach { place in
        old.tensors[index].bytes[place] ^= 0xFF
      }
    }
    func run(_ folder: TemporaryDirectory) throws {
      try Model.sample.write(folder("out.gguf"), GGUFFaultTests.limits)
    }
    let clean = try TemporaryDirectory()
    let calls = try FaultyCalls.counting { try run(clean) }
    let renamings = calls.indices.filter { calls[$0] == .rename }
    for (number, index) in renamings.enumerated() {
      let folder = try TemporaryDirectory()
      try old.write(folder("out.gguf"), GGUFFaultTests.limits)
      #expect(throws: StorageError.self) {
        try FaultyCalls.failing(index, .error(.ioError), forGood: [.rename]) { try run(folder) }
      }
      for name in folder.names where name.hasSuffix(".gguf") {
        do {
          let model = try GGUFCollection(folder(name))
          #expect(number == 0, "renaming \(number): \(name) opens")
          #expect(try old.isHeld(by: model))
        } catch GGUFError.missingSplit(_, let split, _) {
          #expect(split == "out-00001-of-00003.gguf")
        }
      }
      try run(folder)
      #expect(folder.names.count == 3)
      #expect(try Model.sample.isHeld(by: GGUFCollection(folder(folder.names[0]))))
    }
  }

  @Test("a killed run's splits set aside are cleared away by the next")
  func clearing() throws {
    let folder = try TemporaryDirectory()
    try folder.write("old", to: "out-00001-of-00003.gguf.partial-replaced")
    try folder.write("new", to: "out-00003-of-00003.gguf")
    try Model.sample.write(folder("out.gguf"), GGUFFaultTests.limits)
    #expect(folder.names == (1...3).map { "out-0000\($0)-of-00003.gguf" })
    #expect(try Model.sample.isHeld(by: GGUFCollection(folder(folder.names[2]))))
  }
}
