import Fixtures
import LinearAlgebra
import SystemPackage
import Testing

@testable import Inference

/// The residual stream, in memory and in a spool file.
@Suite struct HiddenStreamTests {
  @Test("groups hold whole windows and do not depend on where they are kept")
  func groupsAreTheSame() throws {
    let folder = try ScratchFolder()
    for (windows, length) in [(1, 1), (40, 512), (5, 8192), (3, 20_000), (9000, 1)] {
      let memory = try HiddenStream(
        windowCount: windows,
        length: length,
        width: 2,
        spoolFolder: nil
      )
      let spooled = try HiddenStream(
        windowCount: windows,
        length: length,
        width: 2,
        spoolFolder: FilePath(folder.path)
      )
      #expect(memory.groups == spooled.groups)
      #expect(memory.groups.flatMap { Array($0) } == Array(0..<windows))
      let most = max(1, HiddenStream.groupTokens / length)
      #expect(memory.groups.allSatisfy { (1...most).contains($0.count) })
      #expect(memory.tokenCount == windows * length)
    }
  }

  @Test("what is stored comes back, in any order", arguments: [false, true])
  func storesAndLoads(spools: Bool) throws {
    let folder = try ScratchFolder()
    let stream = try HiddenStream(
      windowCount: 20,
      length: 1000,
      width: 3,
      spoolFolder: spools ? FilePath(folder.path) : nil
    )
    #expect(stream.groups.count == 3)
    var expected: [Int: [Float]] = [:]
    for number in [2, 0, 1, 2] {
      let rows = gaussian(stream.groups[number].count * 1000, 3, seed: UInt64(number + 7))
      expected[number] = rows.values
      try stream.store(rows, number)
    }
    for number in [1, 0, 2] { #expect(try stream.load(number).values == expected[number]) }
  }

  @Test("a group that was never stored is zero, spooled or not", arguments: [false, true])
  func startsAsZeros(spools: Bool) throws {
    let folder = try ScratchFolder()
    let stream = try HiddenStream(
      windowCount: 20,
      length: 1000,
      width: 3,
      spoolFolder: spools ? FilePath(folder.path) : nil
    )
    try stream.store(gaussian(8000, 3), 1)
    for number in [0, 2] {
      #expect(try stream.load(number).values.allSatisfy { $0 == 0 })
    }
  }

  @Test("a spool file has no name that an interrupted run could leave behind")
  func spoolFileHasNoName() throws {
    let folder = try ScratchFolder()
    let stream = try HiddenStream(
      windowCount: 2,
      length: 4,
      width: 3,
      spoolFolder: FilePath(folder.path)
    )
    try stream.store(gaussian(8, 3), 0)
    #expect(try ScratchFolder.names(in: folder.path).isEmpty)
    #expect(try stream.load(0).values == gaussian(8, 3).values)
  }

  @Test("a copy of the first windows is in memory and apart from the original")
  func copyIsApart() throws {
    let stream = try HiddenStream(windowCount: 6, length: 5, width: 2, spoolFolder: nil)
    let original = gaussian(30, 2)
    try stream.store(original, 0)
    let before = original.values
    let copy = try stream.copy(windows: 4)
    #expect(copy.windowCount == 4)
    let rows = try copy.load(0)
    #expect(rows.values == Array(before.prefix(40)))
    rows[0, 0] += 1
    #expect(try stream.load(0).values == before)
    #expect(try stream.copy(windows: 100).windowCount == 6)
  }
}
