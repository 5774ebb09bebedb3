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
}
