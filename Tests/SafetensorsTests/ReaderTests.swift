import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import Safetensors

@Suite("Safetensors reader")
struct ReaderTests {
  private func reader(_ bytes: [UInt8], in folder: TemporaryDirectory) throws -> SafetensorsReader {
    try SafetensorsReader(try folder.write(bytes, to: "model.safetensors"))
  }

  @Test("a header without tensors is a file", arguments: ["{}", "{ }", "{}      ", "\n {}\t"])
  func empty(header: String) throws {
    let folder = try TemporaryDirectory()
    let reader = try reader(RawSafetensors.file(header), in: folder)
    #expect(reader.tensors.isEmpty)
    #expect(try reader.headerText() == Array(header.utf8))
  }

  @Test("white space before and behind the header is part of it")
  func whitespace() throws {
    let folder = try TemporaryDirectory()
    let entry = RawSafetensors.entry("a", "U8", [3], 0..<3)
    for (before, behind) in [
      ("", "   "), ("\n\t \r", ""), (String(repeating: " ", count: 4000), " "),
    ] {
      let header = before + "{\(entry)}" + behind
      let reader = try reader(RawSafetensors.file(header, [7, 8, 9]), in: folder)
      #expect(try reader.bytes(ofTensor: 0) == [7, 8, 9])
      #expect(reader.header.dataStart == 8 + header.utf8.count)
    }
  }

  @Test("metadata keeps its order and its strings")
  func metadata() throws {
    let folder = try TemporaryDirectory()
    let header = #"{"__metadata__":{"z":"1","a":"é\n","":""}}"#
    let metadata = try reader(RawSafetensors.file(header), in: folder).header.metadata
    #expect(metadata.map(\.key) == ["z", "a", ""])
    #expect(metadata.map(\.value) == ["1", "é\n", ""])
  }

  @Test("the order of keys makes no difference, and tensors keep the header's order")
  func order() throws {
    let folder = try TemporaryDirectory()
    let header = """
      {"b":{"data_offsets":[1,3],"shape":[2],"dtype":"U8"},
       "a":{"shape":[1],"data_offsets":[0,1],"dtype":"I8"}}
      """
    let reader = try reader(RawSafetensors.file(header, [1, 2, 3]), in: folder)
    #expect(reader.tensors.map(\.name) == ["b", "a"])
    #expect(try reader.bytes(ofTensor: 0) == [2, 3])
    #expect(try reader.bytes(ofTensor: 1) == [1])
    #expect(SafetensorsHeader.order(of: reader.tensors) == [1, 0])
  }

  @Test("scalars and tensors without elements are tensors, wherever they stand")
  func zeroSize() throws {
    let folder = try TemporaryDirectory()
    let bytes = RawSafetensors.file([
      RawTensor("first", .f32, [0], []), RawTensor("scalar", .f32, [], [1, 2, 3, 4]),
      RawTensor("middle", .f64, [5, 0, 2], []), RawTensor("one", .u8, [1], [9]),
      RawTensor("last", .bool, [0, 0], []),
    ])
    let reader = try reader(bytes, in: folder)
    #expect(reader.tensors.map(\.elementCount) == [0, 1, 0, 1, 0])
    #expect(try reader.bytes(ofTensor: 1) == [1, 2, 3, 4])
    #expect(try reader.bytes(ofTensor: 2) == [])
    #expect(try reader.bytes(ofTensor: 3) == [9])
  }

  @Test(
    "a type that is not known is listed with the size its offsets give",
    arguments: ["F128", "Q8_0"]
  )
  func unknownType(type: String) throws {
    let folder = try TemporaryDirectory()
    let header = "{" + RawSafetensors.entry("a", type, [3, 7], 0..<5) + "}"
    let reader = try reader(RawSafetensors.file(header, [1, 2, 3, 4, 5]), in: folder)
    #expect(reader.tensors[0].type.name == type)
    #expect(reader.tensors[0].byteCount == 5)
    #expect(try reader.bytes(ofTensor: 0) == [1, 2, 3, 4, 5])
  }

  @Test("elements of four and six bits are counted one by one")
  func subByte() throws {
    let folder = try TemporaryDirectory()
    let bytes = RawSafetensors.file([
      RawTensor("f4", .f4, [2, 3], [1, 2, 3]), RawTensor("f6", .f6E3M2, [4], [4, 5, 6]),
    ])
    let reader = try reader(bytes, in: folder)
    #expect(reader.tensors.map(\.byteCount) == [3, 3])
    #expect(reader.tensors.map(\.elementCount) == [6, 4])
  }

  @Test("tensors that are not aligned are read all the same")
  func unaligned() throws {
    let folder = try TemporaryDirectory()
    let header =
      "{" + RawSafetensors.entry("p", "U8", [1], 0..<1) + ","
      + RawSafetensors.entry("a", "F64", [1], 1..<9) + "}" + " "
    let reader = try reader(RawSafetensors.file(header, Array(0..<9)), in: folder)
    #expect(try reader.bytes(ofTensor: 1) == Array(1..<9))
  }

  @Test("any piece of a tensor can be read")
  func pieces() throws {
    let folder = try TemporaryDirectory()
    var random = SeededRandom(seed: 2)
    let content = random.bytes(1000)
    let bytes = RawSafetensors.file([
      RawTensor("a", .u8, [7], random.bytes(7)), RawTensor("b", .u8, [1000], content),
    ])
    let reader = try reader(bytes, in: folder)
    for _ in 0..<50 {
      let start = Int.random(in: 0...1000, using: &random)
      let range = start..<Int.random(in: start...1000, using: &random)
      var room = [UInt8](repeating: 0, count: range.count)
      try room.withUnsafeMutableBytes { try reader.read(tensor: 1, bytes: range, into: $0) }
      #expect(room == Array(content[range]))
    }
  }

  @Test("names may hold anything but NUL")
  func names() throws {
    let folder = try TemporaryDirectory()
    let names = ["", "../../etc/passwd", "a/b", "a\\b", "\u{1B}[31m", "é😀", "\"", "a b", "\n"]
    let tensors = names.enumerated().map { RawTensor($1, .u8, [1], [UInt8($0)]) }
    let reader = try reader(RawSafetensors.file(tensors), in: folder)
    #expect(reader.tensors.map(\.name) == names)
  }
}
