import Checkpoint
import Pack
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Conversion

/// Packs that are sound by every hash and would unpack into something that is not.
@Suite("Unpacking refusals")
struct UnpackingRefusalTests {
  private let place: ConversionFolder
  private var folder: TemporaryDirectory { place.folder }

  init() throws { place = try ConversionFolder() }

  /// A pack of one safetensors file with two tensors.
  private func pack(
    header: String? = nil,
    names: [String] = ["a", "b"],
    types: [String] = ["U8", "U8"],
    shapes: [[Int]] = [[2], [3]]
  ) -> HandmadePack {
    let sound = [
      RawSafetensors.entry("a", "U8", [2], 0..<2), RawSafetensors.entry("b", "U8", [3], 2..<5),
    ]
    let text = Array((header ?? "{\(sound.joined(separator: ","))}").utf8)
    var pack = HandmadePack(hash: { Checksum.of($0) })
    pack.add("m.safetensors", "U8", [text.count], text, kind: 2)
    pack.addFile("m.safetensors", kind: 1, part: 0)
    for ((name, type), shape) in zip(zip(names, types), shapes) {
      let count = shape.reduce(1, *)
      pack.add(name, type, shape, [UInt8](repeating: 7, count: count), file: 0)
    }
    return pack
  }

  private func expectRefused(
    _ pack: HandmadePack,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try folder.write(pack.bytes(), to: "x.moepack")
    #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
      try place.convert("x.moepack", to: "back", .directory)
    }
    #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
      try place.convert("x.moepack", to: "back.safetensors", .safetensorsFile)
    }
    #expect(folder.names == ["x.moepack"], sourceLocation: sourceLocation)
    #expect(!place.problems("x.moepack").isEmpty, sourceLocation: sourceLocation)
  }

  @Test("the sound one is unpacked")
  func sound() throws {
    try folder.write(pack().bytes(), to: "x.moepack")
    #expect(place.problems("x.moepack") == [])
    try place.convert("x.moepack", to: "back", .directory)
    #expect(try folder.files(below: "back").count == 1)
  }

  @Test("a header that describes other tensors is refused, and verify says so")
  func otherTensors() throws {
    try expectRefused(pack(names: ["a", "c"]))
    try expectRefused(pack(names: ["b", "a"], shapes: [[3], [2]]))
    try expectRefused(pack(types: ["U8", "I8"]))
    try expectRefused(pack(shapes: [[2], [3, 1]]))
    try expectRefused(pack(shapes: [[2], [4]]))
    try expectRefused(pack(names: ["a"]))
    try expectRefused(
      pack(names: ["a", "b", "c"], types: ["U8", "U8", "U8"], shapes: [[2], [3], [0]])
    )
  }

  @Test("a header that is not one is refused")
  func otherHeader() throws {
    for header in ["", "{", "[]", "null"] { try expectRefused(pack(header: header)) }
  }

  @Test(
    "a path that leaves the folder is refused before anything is written",
    arguments: ["../x", "/tmp/moepack-escaped", "a/../../x", "a\\..\\x"]
  )
  func escape(path: String) throws {
    var pack = HandmadePack(hash: { Checksum.of($0) })
    pack.add("f", "U8", [1], [1], kind: 1)
    pack.addFile(path, kind: 0, part: 0)
    try expectRefused(pack)
  }

  @Test("one file cannot be made of two")
  func twoFiles() throws {
    var two = pack()
    let text = Array("{}".utf8)
    two.add("n.safetensors", "U8", [2], text, kind: 2)
    two.addFile("n.safetensors", kind: 1, part: 3)
    try folder.write(two.bytes(), to: "x.moepack")
    #expect(throws: ConversionError.self) {
      try place.convert("x.moepack", to: "y.safetensors", .safetensorsFile)
    }
    try place.convert("x.moepack", to: "back", .directory)
    #expect(Set(try folder.files(below: "back").keys) == ["m.safetensors", "n.safetensors"])
  }

  @Test("verify names the file, the place and the damage")
  func verification() throws {
    var bytes = pack().bytes()
    bytes[64 + 20] ^= 1
    try folder.write(bytes, to: "x.moepack")
    let problems = place.problems("x.moepack")
    #expect(problems.count == 1)
    #expect(problems.first?.file == folder("x.moepack").string)
    #expect(problems.first?.message.contains("is damaged") ?? false)
    try folder.resize("x.moepack", to: bytes.count - 1)
    #expect(place.problems("x.moepack").map(\.place) == ["opening"])
    #expect(place.problems("missing").count == 1)
  }
}
