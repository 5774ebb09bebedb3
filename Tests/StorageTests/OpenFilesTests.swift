import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Storage

/// That the limit is raised, and the open files with it, is tested by `SplitMergeCommandTests`: here
/// it would be raised for all tests.
@Suite("The limit on open files")
struct OpenFilesTests {
  @Test("as many as the process may have are allowed, more are refused with what helps")
  func allowed() throws {
    var limits = rlimit()
    try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0)
    let hard = Int(clamping: limits.rlim_max)
    try OpenFiles.allow(1, for: "m")
    try OpenFiles.allow(2, for: "m")
    guard hard < Int.max else { return }
    let error = #expect(throws: StorageError.self) { try OpenFiles.allow(hard, for: "m") }
    let text = error?.description ?? ""
    for word in ["m: ", "files must be open at once, of \(hard)", "ulimit -n", "larger files"] {
      #expect(text.contains(word), "no '\(word)' in: \(text)")
    }
  }

  @Test("a single file asks for nothing, and a failing call is reported")
  func failing() throws {
    #expect(try FaultyCalls.counting { try OpenFiles.allow(1, for: "m") } == [])
    let calls = try FaultyCalls.counting { try OpenFiles.allow(2, for: "m") }
    #expect(calls.contains(.openFileLimit))
    for index in calls.indices {
      FaultyCalls.failing(index, .error(.ioError)) {
        let error = #expect(throws: StorageError.self) { try OpenFiles.allow(2, for: "m") }
        #expect(error?.description.contains("m: ") == true)
      }
    }
  }
}
