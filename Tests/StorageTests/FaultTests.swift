import SystemPackage
import TestSupport
import Testing

@testable import Storage

/// Every system call of everything that reads or writes fails once, in each of the ways a call can
/// fail.
@Suite("Failing system calls")
struct FaultTests {
  private static let content: [UInt8] = {
    var random = SeededRandom(seed: 1)
    return random.bytes(10_000)
  }()

  static let runs: [FaultyRuns] = [
    .file("a new file") { try FileSystem.write(content, to: $0("out")) },
    .file("parts over an old file", after: { try $0.write([9, 9], to: "out") }) { folder in
      let file = try ReplacementFile(replacing: folder("out"))
      try file.write(content, at: 10_000)
      try file.write(content, at: 0)
      var back = [UInt8](repeating: 0, count: 20_000)
      try back.withUnsafeMutableBytes { try file.read(0..<20_000, into: $0) }
      #expect(back == content + content)
      try file.finish()
    },
    .file(
      "a file after a killed run",
      after: { try $0.write([UInt8](repeating: 8, count: 20_000), to: "out.partial") }
    ) { try FileSystem.write(content, to: $0("out")) },
    .folder("a new folder") { try fill($0) },
    .folder(
      "a folder over an old one, after a killed run",
      after: {
        try $0.write([9], to: "out/old/file")
        try $0.write([8], to: "out.partial/b/killed")
        try $0.write([7], to: "out.partial-replaced/older")
      }
    ) { try fill($0) },
    .folder("a spool file") { folder in
      let spool = try SpoolFile(in: folder.path)
      try content.withUnsafeBytes { try spool.write($0, at: 100) }
      var back = [UInt8](repeating: 0, count: 10_000)
      try back.withUnsafeMutableBytes { try spool.read($0, at: 100) }
      #expect(back == content)
    },
    .folder("a mapped file", after: { try $0.write(content, to: "in") }) { folder in
      let file = try MappedFile(folder("in"), access: .mapped)
      #expect(try file.bytes(0..<10_000) == content)
    },
    .folder("a file read by position", after: { try $0.write(content, to: "in") }) { folder in
      let file = try MappedFile(folder("in"), access: .positioned)
      #expect(try file.bytes(0..<10_000) == content)
    },
  ]

  private static func fill(_ folder: TemporaryDirectory) throws {
    let output = try ReplacementDirectory(replacing: folder("out"))
    try FileSystem.write(content, to: output.path(for: "a"))
    try FileSystem.write([2], to: output.path(for: "b/c/d"))
    try output.finish()
  }

  @Test("interrupted or cut short, every call is gone on with", arguments: runs)
  func resumed(runs: FaultyRuns) throws {
    let flaws = try runs.flaws(resuming: .error(.interrupted)) + runs.flaws(resuming: .short)
    #expect(flaws == [])
  }

  @Test(
    "a failing call is reported, and harms nothing that was there",
    arguments: runs,
    [Errno.noSpace, .ioError]
  )
  func failing(runs: FaultyRuns, code: Errno) throws {
    let flaws = try runs.flaws(failingWith: code)
    #expect(flaws == [])
  }

  @Test("from any call on a disk may stay full", arguments: runs.prefix(5))
  func full(runs: FaultyRuns) throws {
    let flaws = try runs.flaws(
      failingWith: .noSpace,
      forGood: [.write, .truncate, .sync, .makeFolder]
    )
    #expect(flaws == [])
  }

  @Test("a disk that fails for good takes nothing with it that the next run does not put back")
  func dead() throws {
    let everything: [SystemCalls.Name] = [
      .open, .close, .duplicate, .status, .pathStatus, .list, .resolve, .freeSpace, .read, .write,
      .truncate, .sync, .lock, .map, .rename, .unlink, .makeFolder, .removeFolder,
    ]
    let new: [String: [UInt8]] = ["out/a": FaultTests.content, "out/b/c/d": [2]]
    let old: [String: [UInt8]] = ["out/old": [9]]
    func prepared() throws -> TemporaryDirectory {
      let folder = try TemporaryDirectory()
      try folder.write([9], to: "out/old")
      return folder
    }
    let clean = try prepared()
    let calls = try FaultyCalls.counting { try FaultTests.fill(clean) }
    var survivals = 0
    for index in calls.indices {
      let folder = try prepared()
      do {
        try FaultyCalls.failing(index, .error(.ioError), forGood: everything) {
          try FaultTests.fill(folder)
        }
      } catch {
        #expect(error is StorageError)
      }
      let abandoned = try ReplacementDirectory(replacing: folder("out"))
      _ = consume abandoned
      #expect(folder.names == ["out"])
      let found = try folder.files()
      #expect(found == old || found == new, "call \(index), \(calls[index]): \(found.keys)")
      if found == old { survivals += 1 }
    }
    #expect(survivals > calls.count / 2)
  }
}
