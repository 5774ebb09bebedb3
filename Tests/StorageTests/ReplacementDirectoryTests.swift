import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Replacement directory")
struct ReplacementDirectoryTests {
  @Test("the folder is in place with all its files, or not at all")
  func whole() throws {
    let folder = try TemporaryDirectory()
    let output = try ReplacementDirectory(replacing: folder("out"))
    try FileSystem.write([1], to: output.path(for: "a"))
    try FileSystem.write([2], to: output.path(for: "b/c/d"))
    try FileSystem.write([3], to: output.path(for: "b/e"))
    #expect(folder.names == ["out.partial"])
    try output.finish()
    #expect(folder.names == ["out"])
    #expect(try folder.files() == ["out/a": [1], "out/b/c/d": [2], "out/b/e": [3]])
  }

  @Test("abandoned, it leaves nothing and keeps what was there")
  func abandoned() throws {
    let folder = try TemporaryDirectory()
    try folder.write([9], to: "out/old")
    let output = try ReplacementDirectory(replacing: folder("out"))
    try FileSystem.write([1], to: output.path(for: "a/b"))
    _ = consume output
    #expect(folder.names == ["out"])
    #expect(try folder.files() == ["out/old": [9]])
  }

  @Test("what was there is replaced whole, and no copy of it stays")
  func replaced() throws {
    let folder = try TemporaryDirectory()
    try folder.write([9], to: "out/old")
    try folder.write([9], to: "out.partial/killed")
    let output = try ReplacementDirectory(replacing: folder("out"))
    try FileSystem.write([1], to: output.path(for: "new"))
    try output.finish()
    #expect(folder.names == ["out"])
    #expect(try folder.files() == ["out/new": [1]])
  }

  @Test("removing a tree removes links, not what they lead to")
  func links() throws {
    let folder = try TemporaryDirectory()
    try folder.write([1], to: "keep/file")
    try folder.write([2], to: "gone/a/b")
    try folder.link("gone/link", to: "../keep")
    FileSystem.removeTree(folder("gone"))
    #expect(folder.names == ["keep"])
    #expect(try folder.files() == ["keep/file": [1]])
  }

  @Test("a second run to the same folder is turned away, told by whom, and harms nothing")
  func busy() throws {
    let folder = try TemporaryDirectory()
    let busy = StorageError.busy(path: folder("out"), process: Int(getpid()))
    let first = try ReplacementDirectory(replacing: folder("out"))
    try FileSystem.write([1], to: first.path(for: "a"))
    #expect(throws: busy) { try ReplacementDirectory(replacing: folder("out")) }
    #expect(throws: busy) { try ReplacementFile(replacing: folder("out")) }
    #expect("\(busy)".contains("(process \(getpid()))"))
    try FileSystem.write([2], to: first.path(for: "b"))
    try first.finish()
    #expect(try folder.files() == ["out/a": [1], "out/b": [2]])
    // The folder now in place is still held by `first`, and hinders nobody.
    let second = try ReplacementDirectory(replacing: folder("out"))
    try FileSystem.write([3], to: second.path(for: "c"))
    try second.finish()
    #expect(try folder.files() == ["out/c": [3]])
    _ = consume first
    #expect(try folder.files() == ["out/c": [3]])
  }

  @Test("a run that writes a file keeps out one that fills a folder")
  func busyFile() throws {
    let folder = try TemporaryDirectory()
    let first = try ReplacementFile(replacing: folder("out"))
    try first.write([1, 2, 3], at: 0)
    #expect(throws: StorageError.busy(path: folder("out"), process: Int(getpid()))) {
      try ReplacementDirectory(replacing: folder("out"))
    }
    try first.finish()
    #expect(try folder.files() == ["out": [1, 2, 3]])
  }

  @Test("what a killed run of the other kind left is removed")
  func leftovers() throws {
    let folder = try TemporaryDirectory()
    try folder.write([9], to: "a.partial")
    try folder.write([9], to: "b.partial/c/killed")
    let output = try ReplacementDirectory(replacing: folder("a"))
    try FileSystem.write([1], to: output.path(for: "new"))
    try output.finish()
    try FileSystem.write([2], to: folder("b"))
    #expect(folder.names == ["a", "b"])
    #expect(try folder.files() == ["a/new": [1], "b": [2]])
  }

  @Test("what a killed run had set aside is put back")
  func setAside() throws {
    let folder = try TemporaryDirectory()
    try folder.write([9], to: "out.partial-replaced/old")
    let output = try ReplacementDirectory(replacing: folder("out"))
    _ = consume output
    #expect(try folder.files() == ["out/old": [9]])
  }
}
