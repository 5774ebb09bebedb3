import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import GGUF

/// The cases of llama.cpp's `test-gguf`, those behind the known attacks, and those of our own rules.
@Suite("GGUF files that are refused")
struct HeaderRefusalTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("the file that the others are made from is read")
  func sound() throws {
    try folder.write(BadGGUF.sound.bytes, to: "x.gguf")
    let file = try GGUFReader(folder("x.gguf"))
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(file.tensors.map(\.shape) == [[3, 5], [8]])
    #expect(try file.bytes(ofTensor: 1) == Array(64..<96))
    #expect(file.header.warnings == [])
  }

  @Test(
    "a bad file is refused with file, place and reason",
    arguments: BadGGUF.all
  )
  func refused(bad: BadGGUF) throws {
    try folder.write(bad.bytes, to: "x.gguf")
    let error = #expect(throws: GGUFError.self) { try GGUFReader(folder("x.gguf")) }
    let text = error?.description ?? ""
    for word in ["\(folder("x.gguf")): "] + bad.words {
      #expect(text.contains(word), "no '\(word)' in: \(text)")
    }
    #expect(HeaderRefusalTests.remedies.contains { text.contains($0) }, "no remedy in: \(text)")
  }

  /// One of these ends each refusal.
  private static let remedies = [
    "download or convert it again", "is the download complete?", "is the file damaged?",
    "convert the model again", "convert the original model again", "is this a GGUF file?",
    "git lfs pull", "remove the key", "gguf-convert-endian", "a newer moepack may read it",
  ]

  @Test("cut anywhere, a file is refused; only the last padding may be missing")
  func cut() throws {
    var file = RawGGUF.sound(
      [("a", [5, 3]), ("b", [3])],
      keys: [
        RawGGUF.array("x", of: 8, 2, RawGGUF.string("one") + RawGGUF.string("two")),
        RawGGUF.array("y", of: 5, 3, [UInt8](repeating: 7, count: 12)),
      ]
    )
    file.version = 2
    let bytes = file.bytes
    for count in 0..<bytes.count - 20 {
      try folder.write(Array(bytes[..<count]), to: "x.gguf")
      let error = #expect(throws: GGUFError.self, "\(count)") {
        try GGUFReader(folder("x.gguf"))
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("x.gguf"))
    }
    for count in bytes.count - 20..<bytes.count {
      try folder.write(Array(bytes[..<count]), to: "x.gguf")
      let file = try GGUFReader(folder("x.gguf"))
      #expect(file.header.warnings.count == 1)
      #expect(file.header.warnings[0].contains("padding behind the last tensor, 'b', is missing"))
    }
    try folder.write(bytes, to: "x.gguf")
    #expect(try GGUFReader(folder("x.gguf")).header.warnings == [])
  }
}
