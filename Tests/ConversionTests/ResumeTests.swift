import JSON
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Conversion

/// Packing that is gone on with after it failed.
@Suite("Packing that is gone on with")
struct ResumeTests {
  /// Packs `m` into `x.moepack` with a journal, syncing after every tensor.
  private func pack(_ folder: TemporaryDirectory) throws -> ConversionReport {
    let files = WorkFiles(of: folder("x.moepack"), in: folder.path)
    let journal = try Journal(files.journal)
    if journal.identity == nil { try journal.begin(JSONObject()) }
    let report = try LosslessPacking(folder: folder("m"), takesAll: false).run(
      to: files.output,
      tool: "test",
      threads: 2,
      journal: journal,
      syncBytes: 1
    ) { _ in }
    files.remove()
    journal.remove()
    return report
  }

  @Test("failing at any system call, it goes on to the undisturbed bytes and report")
  func anyCall() throws {
    let whole = try TemporaryDirectory()
    try TinyModel.mixtral().write(to: whole, at: "m")
    var expected: ConversionReport?
    let calls = try FaultyCalls.counting { expected = try pack(whole) }
    let bytes = try whole.bytes(of: "x.moepack")
    for fault in [SystemCalls.Fault.error(.noSpace), .error(.ioError)] {
      for index in stride(from: 0, to: calls.count, by: max(1, calls.count / 97)) {
        let folder = try TemporaryDirectory()
        try TinyModel.mixtral().write(to: folder, at: "m")
        var failed = false
        do {
          try FaultyCalls.failing(index, fault) { _ = try pack(folder) }
        } catch {
          failed = true
          let report = try pack(folder)
          #expect(report.byteCount == expected?.byteCount, "call \(index), \(calls[index])")
          #expect(report.tensorCount == expected?.tensorCount, "call \(index), \(calls[index])")
        }
        #expect(try folder.bytes(of: "x.moepack") == bytes, "call \(index), \(calls[index])")
        // A work file that cannot be removed at the very end is no failure of the run.
        let names = folder.names.filter { failed || !$0.hasPrefix("x.moepack.partial") }
        #expect(names == ["m", "x.moepack"], "call \(index), \(calls[index])")
      }
    }
  }

  @Test("parts that were written are not read again, and the last calls find the pack in place")
  func lateFailure() throws {
    let folder = try TemporaryDirectory()
    try TinyModel.mixtral().write(to: folder, at: "m")
    let calls = try FaultyCalls.counting {
      let other = try TemporaryDirectory()
      try TinyModel.mixtral().write(to: other, at: "m")
      _ = try pack(other)
    }
    // The folder's sync, after the pack was put in place.
    let rename = try #require(calls.lastIndex(of: .rename))
    let late = try #require(calls[rename...].firstIndex(of: .sync))
    #expect(throws: StorageError.self) {
      try FaultyCalls.failing(late, .error(.ioError)) { _ = try pack(folder) }
    }
    #expect(folder.names.contains("x.moepack"))
    #expect(folder.names.contains("x.moepack.partial-journal"))
    // Its source may be gone by then: only the pack is looked at and the rest cleared away.
    let again = try FaultyCalls.counting { _ = try pack(folder) }
    #expect(again.count < calls.count / 2)
    #expect(folder.names == ["m", "x.moepack"])
  }
}
