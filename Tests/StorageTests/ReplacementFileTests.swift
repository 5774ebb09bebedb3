import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Replacement file")
struct ReplacementFileTests {
  @Test("nothing is at the destination before the end")
  func inPlaceAtTheEnd() throws {
    let folder = try TemporaryDirectory()
    let file = try ReplacementFile(replacing: folder("out"))
    try file.write([1, 2, 3], at: 0)
    #expect(folder.names == ["out.partial"])
    try file.finish()
    #expect(folder.names == ["out"])
    #expect(try folder.bytes(of: "out") == [1, 2, 3])
  }

  @Test("abandoned, it leaves nothing and keeps what was there")
  func abandoned() throws {
    let folder = try TemporaryDirectory()
    try folder.write([9], to: "old")
    for name in ["new", "old"] {
      let file = try ReplacementFile(replacing: folder(name))
      try file.write([1, 2, 3], at: 0)
      _ = consume file
    }
    #expect(folder.names == ["old"])
    #expect(try folder.bytes(of: "old") == [9])
  }

  @Test("an existing file is replaced whole")
  func replaced() throws {
    let folder = try TemporaryDirectory()
    try folder.write([9, 9, 9, 9, 9, 9], to: "out")
    try FileSystem.write([1], to: folder("out"))
    #expect(try folder.bytes(of: "out") == [1])
  }

  @Test("whoever reads the old file goes on reading the old file")
  func openReader() throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([UInt8](repeating: 9, count: 5000), to: "out")
    let mapped = try MappedFile(path, access: .mapped)
    try FileSystem.write([1], to: path)
    #expect(try mapped.bytes(0..<5000) == [UInt8](repeating: 9, count: 5000))
  }

  @Test("writes may come in any order and leave zeros between them")
  func positioned() throws {
    let folder = try TemporaryDirectory()
    let file = try ReplacementFile(replacing: folder("out"))
    try file.write([5, 6], at: 4)
    try file.write([1], at: 0)
    var back = [UInt8](repeating: 0xFF, count: 6)
    try back.withUnsafeMutableBytes { try file.read(0..<6, into: $0) }
    #expect(back == [1, 0, 0, 0, 5, 6])
    try file.finish()
    #expect(try folder.bytes(of: "out") == [1, 0, 0, 0, 5, 6])
  }

  @Test("a second writer of the same output is turned away and harms nothing")
  func busy() throws {
    let folder = try TemporaryDirectory()
    let first = try ReplacementFile(replacing: folder("out"))
    try first.write([1, 2, 3], at: 0)
    #expect(throws: StorageError.busy(path: folder("out"), process: Int(getpid()))) {
      try ReplacementFile(replacing: folder("out"))
    }
    #expect(folder.names == ["out.partial"])
    try first.finish()
    #expect(try folder.bytes(of: "out") == [1, 2, 3])
    try FileSystem.write([4], to: folder("out"))
    #expect(try folder.bytes(of: "out") == [4])
  }

  @Test("what a killed run left is overwritten")
  func leftover() throws {
    let folder = try TemporaryDirectory()
    try folder.write([UInt8](repeating: 9, count: 1000), to: "out.partial")
    try FileSystem.write([1, 2], to: folder("out"))
    #expect(folder.names == ["out"])
    #expect(try folder.bytes(of: "out") == [1, 2])
  }

  @Test("a missing folder is named")
  func missingFolder() throws {
    let folder = try TemporaryDirectory()
    #expect(throws: StorageError.missingFolder(path: folder("no/such"))) {
      try ReplacementFile(replacing: folder("no/such/out"))
    }
    #expect(throws: StorageError.missingFolder(path: folder("no"))) {
      try ReplacementDirectory(replacing: folder("no/out"))
    }
  }

  @Test("a folder in the way is an error and stays")
  func folderInTheWay() throws {
    let folder = try TemporaryDirectory()
    try folder.write([1], to: "out/inside")
    #expect(throws: StorageError.self) { try FileSystem.write([2], to: folder("out")) }
    #expect(try folder.files() == ["out/inside": [1]])
  }

  @Test("a link at the work path is not written through")
  func linkedWorkPath() throws {
    let folder = try TemporaryDirectory()
    try folder.write([1, 2, 3], to: "precious")
    try folder.link("out.partial", to: "precious")
    #expect(throws: StorageError.self) { try FileSystem.write([4], to: folder("out")) }
    #expect(throws: StorageError.self) { try ReplacementDirectory(replacing: folder("out")) }
    #expect(try folder.bytes(of: "precious") == [1, 2, 3])
  }

  // MARK: - Several together

  private func files(_ folder: TemporaryDirectory, _ names: [String]) throws -> [ReplacementFile] {
    try names.map { name in
      let file = try ReplacementFile(replacing: folder(name))
      try file.write([7], at: 0)
      return file
    }
  }

  @Test("files that belong together are replaced together")
  func together() throws {
    let folder = try TemporaryDirectory()
    try folder.write([1], to: "b")
    let files = try files(folder, ["a", "b", "c"])
    #expect(try folder.bytes(of: "b") == [1])
    try ReplacementFile.finish(files)
    #expect(try folder.files() == ["a": [7], "b": [7], "c": [7]])
  }

  @Test("if one of several cannot be put in place, all that was there is there still")
  func notTogether() throws {
    let folder = try TemporaryDirectory()
    try folder.write([1], to: "a")
    try folder.write([2], to: "b/inside")
    do {
      let files = try files(folder, ["a", "b", "c"])
      #expect(
        throws: StorageError.system(
          action: "set aside",
          path: folder("b"),
          errno: .isDirectory
        )
      ) { try ReplacementFile.finish(files) }
    }
    #expect(try folder.files() == ["a": [1], "b/inside": [2]])
    #expect(folder.names == ["a", "b"])
  }
}
