import Storage
import SystemPackage
import Testing

@Suite("Errors of storage")
struct StorageErrorTests {
  @Test(
    "what a machine may recover from keeps the work; what the command line is to blame for does not",
    arguments: [
      (Errno.ioError, true), (.socketNotConnected, true), (.hostIsDown, true),
      (.permissionDenied, true),
      (.readOnlyFileSystem, true), (.tooManyOpenFiles, true), (.noSuchFileOrDirectory, false),
      (.isDirectory, false), (.fileNameTooLong, false),
    ]
  )
  func passing(errno: Errno, isPassing: Bool) {
    let error = StorageError.system(action: "read", path: "m", errno: errno)
    #expect(error.isPassing == isPassing)
  }

  @Test("too many open files say what helps")
  func tooManyFiles() {
    for error in [
      StorageError.system(action: "open", path: "m.gguf", errno: .tooManyOpenFiles),
      .tooManyFiles(path: "m.gguf", count: 2000, limit: 1024),
    ] {
      for word in ["m.gguf: ", "ulimit -n", "larger files"] {
        #expect("\(error)".contains(word), "no '\(word)' in: \(error)")
      }
    }
  }
}
