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
      #expect(!journal.isForeign)
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
      let journal = try Journal(path)
      #expect(journal.found.count == max(0, whole - 1), "byte \(place)")
      #expect(journal.isForeign == (whole == 0), "byte \(place)")
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

  @Test("another version's journal, or any other text, is left as it is until it is cleared")
  func foreign() throws {
    let folder = try TemporaryDirectory()
    let path = folder("x.partial-journal")
    try folder.write("notes\nof someone\n", to: "x.partial-journal")
    let journal = try Journal(path)
    #expect(journal.isForeign)
    #expect(journal.identity == nil)
    #expect(try folder.bytes(of: "x.partial-journal") == Array("notes\nof someone\n".utf8))
    try journal.clear()
    #expect(!journal.isForeign)
    #expect(try folder.bytes(of: "x.partial-journal") == [])
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

  @Test(
    "whichever call fails, what was appended without complaint is believed afterwards, in order",
    arguments: [SystemCalls.Fault.error(.noSpace), .error(.ioError), .error(.interrupted), .short]
  )
  func faults(fault: SystemCalls.Fault) throws {
    /// Appends to a journal, going on after a failure; gives what was not complained of.
    func run(_ path: FilePath) -> [JSONValue] {
      guard let journal = try? Journal(path) else { return [] }
      if journal.identity == nil {
        do { try journal.begin(identity) } catch { return [] }
      }
      return (0..<4).map { JSONValue($0) }.filter { value in
        do { try journal.append("new", value) } catch { return false }
        return true
      }
    }
    func place() throws -> TemporaryDirectory {
      let folder = try TemporaryDirectory()
      _ = try written(in: folder)
      // A torn line, to be cut off.
      try folder.write(folder.bytes(of: "x.partial-journal") + [1, 2], to: "x.partial-journal")
      return folder
    }
    let clean = try place()
    let calls = FaultyCalls.counting { _ = run(clean("x.partial-journal")) }
    #expect(calls.filter { $0 == .write }.count == 4)
    for index in calls.indices {
      let folder = try place()
      let path = folder("x.partial-journal")
      var appended: [JSONValue] = []
      FaultyCalls.failing(index, fault) { appended = run(path) }
      switch fault {
      case .error(.interrupted), .short: #expect(appended == [0, 1, 2, 3])
      default: #expect(appended.count < 4 || calls[index] == .close, "\(calls[index])")
      }
      let journal = try Journal(path)
      #expect(journal.all("step") == [0, 1, 2])
      let found = journal.all("new")
      #expect(found.filter { appended.contains($0) } == appended, "\(calls[index])")
      #expect(found == [0, 1, 2, 3].filter { found.contains($0) })
    }
  }
}
