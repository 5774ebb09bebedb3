import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("File system")
struct FileSystemTests {
  @Test("kinds are told apart, through links")
  func kinds() throws {
    let folder = try TemporaryDirectory()
    try folder.write([1, 2], to: "sub/file")
    try folder.link("toFile", to: "sub/file")
    try folder.link("toFolder", to: "sub")
    try folder.link("toNothing", to: "nothing")
    try folder.makePipe("pipe")
    #expect(FileSystem.kind(folder("sub")) == .directory)
    #expect(FileSystem.kind(folder("toFile")) == .file)
    #expect(FileSystem.kind(folder("toFolder")) == .directory)
    #expect(FileSystem.kind(folder("pipe")) == .other)
    #expect(FileSystem.kind(folder("toNothing")) == nil)
    #expect(FileSystem.isLink(folder("toNothing")))
    #expect(!FileSystem.isLink(folder("sub")))
    #expect(!FileSystem.exists(folder("toNothing")))
    #expect(FileSystem.byteCount(folder("toFile")) == 2)
    #expect(FileSystem.byteCount(folder("toNothing")) == nil)
    #expect(FileSystem.isSame(folder("toFolder"), folder("sub")))
    #expect(!FileSystem.isSame(folder("sub"), folder("pipe")))
    #expect(FileSystem.resolved(folder("toFile")) == folder("sub/file"))
  }

  @Test("names come by their bytes, hidden ones included")
  func names() throws {
    let folder = try TemporaryDirectory()
    for name in ["b", "a", "B", ".h", "é", "a10", "a2"] { try folder.write([], to: name) }
    #expect(try FileSystem.names(in: folder.path) == [".h", "B", "a", "a10", "a2", "b", "é"])
    let missing = folder("missing")
    #expect(
      throws: StorageError.system(action: "list", path: missing, errno: .noSuchFileOrDirectory)
    ) { try FileSystem.names(in: missing) }
  }

  @Test("the folder of a bare name is the current one")
  func folderOfName() {
    #expect(FileSystem.folder(of: "out") == ".")
    #expect(FileSystem.folder(of: "a/out") == "a")
    #expect(FileSystem.folder(of: "/out") == "/")
  }

  @Test("a small file is read whole, a larger one than makes sense is refused")
  func contents() throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([1, 2, 3], to: "file")
    #expect(try FileSystem.contents(of: path) == [1, 2, 3])
    #expect(try FileSystem.contents(of: path, limit: 3) == [1, 2, 3])
    #expect(throws: StorageError.self) { try FileSystem.contents(of: path, limit: 2) }
  }

  @Test("messages say what helps")
  func messages() {
    let full = StorageError.outOfSpace(action: "write", path: "/x/y", errno: .noSpace)
    #expect("\(full)" == "/x/y: the disk is full (write); free some space and run again")
    let quota = StorageError.outOfSpace(action: "write", path: "/x/y", errno: .diskQuotaExceeded)
    #expect("\(quota)" == "/x/y: the disk quota is used up (write); free some space and run again")
    let large = StorageError.outOfSpace(action: "write", path: "/x/y", errno: .fileTooLarge)
    #expect("\(large)".contains("ulimit -f"))
    let short = StorageError.notEnoughSpace(
      path: "/x",
      needed: 5_000_000_001,
      available: 400_999_999
    )
    #expect(
      "\(short)"
        == "/x: 5001 MB are needed but the disk has 400 MB left; free 4601 MB or write to another disk"
    )
    let broken = StorageError.system(action: "read", path: "/x/y", errno: .ioError)
    #expect("\(broken)" == "/x/y: cannot read: Input/output error")
    #expect("\(StorageError.exists(path: "o"))".contains("--force"))
    #expect("\(StorageError.missingFolder(path: "o"))".contains("create it first"))
  }

  @Test("the room on a disk is told, of a folder and of a file in it")
  func availableBytes() throws {
    let folder = try TemporaryDirectory()
    try folder.write([1], to: "file")
    #expect(try FileSystem.availableBytes(at: folder.path) > 0)
    #expect(try FileSystem.availableBytes(at: folder("file")) > 0)
    let missing = folder("missing")
    #expect(
      throws: StorageError.system(
        action: "examine the disk",
        path: missing,
        errno: .noSuchFileOrDirectory
      )
    ) { try FileSystem.availableBytes(at: missing) }
    FaultyCalls.failing(0, .error(.ioError)) {
      #expect(
        throws: StorageError.system(
          action: "examine the disk",
          path: folder.path,
          errno: .ioError
        )
      ) { try FileSystem.availableBytes(at: folder.path) }
    }
  }
}
