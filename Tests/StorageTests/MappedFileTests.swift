import SystemPackage
import TestSupport
import Testing

@testable import Storage

@Suite("Mapped file")
struct MappedFileTests {
  static let accesses = [MappedFile.Access.mapped, .positioned]

  @Test("both ways to read give the same bytes")
  func sameBytes() throws {
    let folder = try TemporaryDirectory()
    var random = SeededRandom(seed: 1)
    // More than one piece of the mapped copy, and no whole number of pages.
    let content = random.bytes(4096 * 1030 + 17)
    let path = try folder.write(content, to: "data")
    let mapped = try MappedFile(path, access: .mapped)
    let positioned = try MappedFile(path, access: .positioned)
    #expect(mapped.byteCount == content.count)
    #expect(positioned.byteCount == content.count)
    var ranges = [0..<0, 0..<1, 0..<content.count, content.count..<content.count, 4095..<4097]
    for _ in 0..<50 {
      let start = Int.random(in: 0..<content.count, using: &random)
      ranges.append(start..<Int.random(in: start...content.count, using: &random))
    }
    for range in ranges {
      let expected = Array(content[range])
      #expect(try mapped.bytes(range) == expected)
      #expect(try positioned.bytes(range) == expected)
    }
  }

  @Test("pages that were dropped after a copy come back", arguments: accesses)
  func again(access: MappedFile.Access) throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([UInt8](repeating: 7, count: 10_000), to: "data")
    let file = try MappedFile(path, access: access)
    for _ in 0..<3 { #expect(try file.bytes(0..<10_000).allSatisfy { $0 == 7 }) }
  }

  @Test("bytes past the end are refused", arguments: accesses)
  func pastEnd(access: MappedFile.Access) throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([1, 2, 3], to: "short")
    let file = try MappedFile(path, access: access)
    for range in [0..<4, 3..<4, 100..<200, Int.max - 1..<Int.max, -1..<2] {
      #expect(throws: StorageError.pastEnd(path: path, range: range, byteCount: 3)) {
        try file.bytes(range)
      }
    }
  }

  @Test("an empty file can be opened and holds nothing", arguments: accesses)
  func empty(access: MappedFile.Access) throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([], to: "empty")
    let file = try MappedFile(path, access: access)
    #expect(try file.bytes(0..<0) == [])
    #expect(throws: StorageError.pastEnd(path: path, range: 0..<1, byteCount: 0)) {
      try file.bytes(0..<1)
    }
  }

  @Test("a file that shrinks while it is open is an error, not a crash", arguments: accesses)
  func shrinking(access: MappedFile.Access) throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([UInt8](repeating: 9, count: 1 << 20), to: "data")
    let file = try MappedFile(path, access: access)
    try folder.resize("data", to: 8192)
    let error = #expect(throws: StorageError.self) { try file.bytes(0..<1 << 20) }
    guard case .shrank(let where_, _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(where_ == path)
    // The hole must not be read as zeros the second time.
    for _ in 0..<3 {
      #expect(throws: StorageError.shrank(path: path, offset: 500_000)) {
        try file.bytes(500_000..<500_010)
      }
    }
  }

  @Test(
    "bytes cut off at any place are an error, those before it are read",
    arguments: accesses,
    [0, 1, 4095, 4096, 4097, 9999]
  )
  func cut(access: MappedFile.Access, size: Int) throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([UInt8](repeating: 9, count: 10_000), to: "data")
    let file = try MappedFile(path, access: access)
    try folder.resize("data", to: size)
    #expect(try file.bytes(0..<size) == [UInt8](repeating: 9, count: size))
    // One byte in the page where it was cut, and the whole.
    #expect(throws: StorageError.shrank(path: path, offset: size)) {
      try file.bytes(size..<size + 1)
    }
    #expect(throws: StorageError.self) { try file.bytes(0..<10_000) }
    #expect(throws: StorageError.shrank(path: path, offset: 9999)) {
      try file.bytes(9999..<10_000)
    }
  }

  @Test("a file that is removed or replaced is read as it was", arguments: accesses)
  func vanishing(access: MappedFile.Access) throws {
    let folder = try TemporaryDirectory()
    let old = [UInt8](repeating: 9, count: 10_000)
    for isReplaced in [false, true] {
      let path = try folder.write(old, to: "data")
      let file = try MappedFile(path, access: access)
      folder.remove("data")
      if isReplaced { try folder.write([1, 2, 3], to: "data") }
      #expect(try file.bytes(0..<10_000) == old)
    }
  }

  @Test("a mapped file may shrink under several threads at once")
  func shrinkingUnderThreads() async throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([UInt8](repeating: 9, count: 4 << 20), to: "data")
    let file = try MappedFile(path, access: .mapped)
    try folder.resize("data", to: 0)
    let refused = await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          do {
            _ = try file.bytes(task * 4096..<4 << 20)
            return false
          } catch { return true }
        }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(refused == 8)
  }

  @Test("a file that grows keeps the size it had")
  func growing() throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write([1, 2, 3], to: "data")
    let file = try MappedFile(path)
    try folder.resize("data", to: 100)
    #expect(file.byteCount == 3)
    #expect(throws: StorageError.self) { try file.bytes(0..<4) }
  }

  @Test("links are followed, folders and pipes refused without waiting")
  func kinds() throws {
    let folder = try TemporaryDirectory()
    try folder.write([5], to: "real")
    try folder.link("link", to: "real")
    try folder.makePipe("pipe")
    #expect(try MappedFile(folder("link")).bytes(0..<1) == [5])
    #expect(throws: StorageError.notRegularFile(path: folder("pipe"))) {
      try MappedFile(folder("pipe"))
    }
    #expect(throws: StorageError.notRegularFile(path: folder.path)) {
      try MappedFile(folder.path)
    }
    let missing = folder("missing")
    #expect(
      throws: StorageError.system(action: "open", path: missing, errno: .noSuchFileOrDirectory)
    ) { try MappedFile(missing) }
  }
}
