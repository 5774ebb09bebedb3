import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Spool file")
struct SpoolFileTests {
  @Test("it has no name, and gives back what was written")
  func roundTrip() throws {
    let folder = try TemporaryDirectory()
    let spool = try SpoolFile(in: folder.path)
    #expect(folder.names == [])
    try [UInt8]([1, 2, 3, 4]).withUnsafeBytes { try spool.write($0, at: 100) }
    var back = [UInt8](repeating: 9, count: 6)
    try back.withUnsafeMutableBytes { try spool.read($0, at: 98) }
    #expect(back == [0, 0, 1, 2, 3, 4])
  }

  @Test("reading what was never written is an error")
  func pastEnd() throws {
    let folder = try TemporaryDirectory()
    let spool = try SpoolFile(in: folder.path)
    var room = [UInt8](repeating: 0, count: 1)
    #expect(throws: StorageError.self) {
      try room.withUnsafeMutableBytes { try spool.read($0, at: 0) }
    }
  }

  @Test("a missing folder is an error")
  func missingFolder() throws {
    let folder = try TemporaryDirectory()
    #expect(throws: StorageError.self) { try SpoolFile(in: folder("missing")) }
  }

  @Test("where nameless files cannot be made, a named one is removed at once")
  func named() throws {
    let folder = try TemporaryDirectory()
    try FaultyCalls.failing(0, .error(.notSupported)) {
      let spool = try SpoolFile(in: folder.path)
      #expect(folder.names == [])
      try [UInt8]([1, 2, 3, 4]).withUnsafeBytes { try spool.write($0, at: 0) }
      var back = [UInt8](repeating: 9, count: 4)
      try back.withUnsafeMutableBytes { try spool.read($0, at: 0) }
      #expect(back == [1, 2, 3, 4])
    }
  }
}
