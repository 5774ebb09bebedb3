import Glibc
import JSON
import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Journal")
struct JournalTests {
  /// A closed journal with an identity and three entries.
  private func written(in folder: TemporaryDirectory) throws -> FilePath {
    let path = folder("x.partial-journal")
    let journal = try Journal(path)
    try journal.begin(identity)
    for number in 0..<3 { try journal.append("step", JSONValue(number)) }
    return path
  }

  private let identity: JSONObject = {
    var identity = JSONObject()
    identity["tool"] = "moepack"
    return identity
  }()

  @Test("what was appended is found again, in its order")
  func found() throws {
    let folder = try TemporaryDirectory()
    let path = try written(in: folder)
    let journal = try Journal(path)
    #expect(journal.identity == identity)
    #expect(journal.all("step") == [0, 1, 2])
    #expect(journal.last("step") == 2)
    #expect(journal.last("other") == nil)
  }

  @Test("cut anywhere, it is believed up to the last whole line and can be gone on with")
  func torn() throws {
    let folder = try TemporaryDirectory()
    let path = try written(in: folder)
    let bytes = try folder.bytes(of: "x.partial-journal")
    for length in 0..<bytes.count {
      try folder.write(Array(bytes[..<length]), to: "x.partial-journal")
      let lines = bytes[..<length].count { $0 == UInt8(ascii: "\n") }
      let journal = try Journal(path)
      #expect((journal.identity == nil) == (lines == 0))
      #expect(journal.found.count == max(0, lines - 1))
      if journal.identity == nil { try journal.begin(identity) }
      try journal.append("more", true)
      _ = consume journal
      #expect(try Journal(path).last("more") == true, "cut to \(length) bytes")
    }
  }

  @Test("from a byte that was changed on, nothing is believed")
  func damaged() throws {
    let folder = try TemporaryDirectory()
    let path = try written(in: folder)
    let bytes = try folder.bytes(of: "x.partial-journal")
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 0x04
      try folder.write(changed, to: "x.partial-journal")
      let whole = bytes[..<place].count { $0 == UInt8(ascii: "\n") }
      #expect(try Journal(path).found.count == max(0, whole - 1), "byte \(place)")
    }
  }

  @Test("a line taken out of the middle ends what is believed")
  func missingLine() throws {
    let folder = try TemporaryDirectory()
    let path = try written(in: folder)
    var lines = try folder.bytes(of: "x.partial-journal").split(separator: UInt8(ascii: "\n"))
    lines.remove(at: 2)
    try folder.write(
      Array(lines.map { $0 + [UInt8(ascii: "\n")] }.joined()),
      to: "x.partial-journal"
    )
    #expect(try Journal(path).all("step") == [0])
  }

  @Test("two runs cannot hold one journal")
  func locked() throws {
    let folder = try TemporaryDirectory()
    let path = folder("x.partial-journal")
    let journal = try Journal(path)
    #expect(throws: StorageError.busy(path: path, process: Int(getpid()))) { try Journal(path) }
    journal.remove()
    _ = consume journal
    #expect(folder.names == [])
  }

  @Test("cleared, it begins anew")
  func cleared() throws {
    let folder = try TemporaryDirectory()
    let path = try written(in: folder)
    let journal = try Journal(path)
    try journal.clear()
    try journal.begin(JSONObject())
    try journal.append("new", 1)
    _ = consume journal
    let again = try Journal(path)
    #expect(again.identity == JSONObject())
    #expect(again.found == [Journal.Entry(key: "new", value: 1)])
  }
}
