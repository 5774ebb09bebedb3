import SystemPackage
import TestSupport
import Testing

@testable import Conversion

@Suite("Folder inventory")
struct FolderInventoryTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func expectSpecial(_ words: String, at path: String) {
    let error = #expect(throws: ConversionError.self) { try FolderInventory(of: folder("m")) }
    guard case .specialFile(let file, let reason) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(file == folder("m/\(path)"))
    #expect(reason.contains(words))
  }

  @Test("entries come by path, safetensors at the top as weights")
  func entries() throws {
    for path in ["b.safetensors", "a.json", "c/x.safetensors", "c/a", "d"] {
      try folder.write([1, 2], to: "m/\(path)")
    }
    let entries = try FolderInventory(of: folder("m")).entries
    #expect(entries.map(\.path) == ["a.json", "b.safetensors", "c/a", "c/x.safetensors", "d"])
    #expect(entries.map(\.isWeights) == [false, true, false, false, false])
    #expect(entries.map(\.byteCount) == [2, 2, 2, 2, 2])
  }

  @Test("a link to a folder is refused, wherever it leads")
  func linkToFolder() throws {
    try folder.write([1], to: "m/sub/file")
    try folder.link("m/sub/link", to: ".")
    expectSpecial("link to a folder", at: "sub/link")
  }

  @Test("a link that leads nowhere is refused")
  func dangling() throws {
    try folder.makeFolder("m")
    try folder.link("m/config.json", to: "../blobs/missing")
    expectSpecial("leads nowhere", at: "config.json")
  }

  @Test("a pipe is refused")
  func pipe() throws {
    try folder.makeFolder("m")
    try folder.makePipe("m/pipe")
    expectSpecial("pipe", at: "pipe")
  }

  @Test(
    "a name that no pack could give back is refused",
    arguments: ["a\\b", "a\nb", "x\u{1B}y", "\u{7F}"]
  )
  func unsafeName(name: String) throws {
    try folder.write([1], to: "m/\(name)")
    expectSpecial("cannot be packed", at: name)
    folder.remove("m")
    try folder.write([1], to: "m/\(name)/file")
    expectSpecial("cannot be packed", at: "\(name)/file")
    folder.remove("m")
    let path = try folder.write([1], to: "\(name).safetensors")
    #expect(throws: ConversionError.self) { try LosslessPacking(file: path) }
  }

  @Test("a file over the limit is refused with its size, one at it and any weights are not")
  func tooLarge() throws {
    let limit = FolderInventory.fileLimit
    try folder.write([], to: "m/model.safetensors")
    try folder.resize("m/model.safetensors", to: limit + 1)
    try folder.write([], to: "m/big.json")
    try folder.resize("m/big.json", to: limit)
    #expect(try FolderInventory(of: folder("m")).entries.count == 2)
    try folder.resize("m/big.json", to: limit + 1)
    #expect(
      throws: ConversionError.fileTooLarge(
        path: folder("m/big.json"),
        byteCount: limit + 1,
        limit: limit
      )
    ) { try FolderInventory(of: folder("m")) }
  }
}
