import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import GGUF

@Suite("GGUF reader")
struct ReaderTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func open(_ file: RawGGUF) throws -> GGUFReader {
    try folder.write(file.bytes, to: "x.gguf")
    return try GGUFReader(folder("x.gguf"))
  }

  private func problems(_ file: GGUFReader) throws -> [String] {
    var problems: [String] = []
    try file.verify { problems.append("\($0): \($1)") }
    return problems
  }

  @Test("a file without anything is one")
  func empty() throws {
    let file = try open(RawGGUF())
    #expect(file.tensors.isEmpty && file.metadata.isEmpty && file.header.warnings == [])
    #expect(try file.headerBytes() == RawGGUF().bytes)
    #expect(try problems(file) == [])
  }

  @Test("version 2 is read as version 3")
  func version2() throws {
    var raw = BadGGUF.sound
    raw.version = 2
    let file = try open(raw)
    #expect(file.header.version == 2)
    #expect(try file.bytes(ofTensor: 1) == Array(64..<96))
  }

  @Test("tensors may have no axes, or an axis of no size")
  func smallTensors() throws {
    let file = try open(.sound([("scalar", []), ("none", [0, 3]), ("last", [1, 1, 1, 2])]))
    #expect(file.tensors.map(\.shape) == [[], [3, 0], [2, 1, 1, 1]])
    #expect(file.tensors.map(\.byteCount) == [4, 0, 8])
    #expect(file.tensors[1].fileRange.lowerBound == file.tensors[2].fileRange.lowerBound)
    #expect(try file.bytes(ofTensor: 0) == [0, 1, 2, 3])
    #expect(try file.bytes(ofTensor: 1) == [])
    #expect(file.header.warnings == [])
  }

  @Test("names that differ in their bytes only are two")
  func namesByBytes() throws {
    let file = try open(
      .sound(
        [("é", [1]), ("e\u{301}", [1])],
        keys: [RawGGUF.pair("é", 1), RawGGUF.pair("e\u{301}", 2)]
      )
    )
    #expect(file.tensors.count == 2)
    #expect(file.metadata["é"] == .uint32(1))
    #expect(file.metadata["e\u{301}"] == .uint32(2))
  }

  @Test("a gap and what follows the last tensor are read with a warning, and reported")
  func gaps() throws {
    var raw = BadGGUF.sound
    raw.tensors[1] = RawGGUF.tensor("b", [8], at: 128)
    raw.data.insert(contentsOf: [UInt8](repeating: 9, count: 64), at: 64)
    raw.data += [UInt8](repeating: 7, count: 40)
    let file = try open(raw)
    #expect(try file.bytes(ofTensor: 1) == Array(64..<96))
    #expect(file.header.warnings.count == 1)
    #expect(file.header.warnings[0].contains("104 bytes of the data belong to no tensor (in 2"))
    let start = file.header.dataStart
    #expect(
      try problems(file) == [
        "byte \(start + 64): 64 bytes before 'b' belong to no tensor; llama.cpp refuses that",
        "byte \(start + 160): 40 bytes at the end of the file belong to no tensor",
      ]
    )
  }

  @Test("what follows the header of a file without tensors is told, too")
  func nothingButMore() throws {
    var raw = RawGGUF()
    raw.keys = [RawGGUF.pair("general.architecture", "test")]
    raw.data = [UInt8](repeating: 7, count: 100)
    let file = try open(raw)
    #expect(file.header.warnings.count == 1)
    #expect(file.header.warnings[0].contains("100 bytes of the data belong to no tensor"))
    #expect(
      try problems(file) == [
        "byte \(file.header.dataStart): 100 bytes at the end of the file belong to no tensor"
      ]
    )
  }

  @Test("an empty tensor shares no bytes, wherever it stands, but is out of order")
  func emptyInside() throws {
    var raw = RawGGUF.sound([("a", [32])])
    raw.tensors.append(RawGGUF.tensor("none", [0], at: 64))
    raw.data.removeLast(10)
    #expect(throws: GGUFError.self) { try open(raw) }
    raw.data += [UInt8](repeating: 0, count: 10)
    let file = try open(raw)
    #expect(try file.bytes(ofTensor: 0).count == 128)
    #expect(try file.bytes(ofTensor: 1) == [])
    #expect(file.header.warnings.count == 1)
    #expect(file.header.warnings[0].contains("first of them 'none'"))
    #expect(try problems(file).map { $0.prefix(5) } == ["none:"])
    // The next tensor that has bytes still must not begin within the first.
    raw.tensors.append(RawGGUF.tensor("b", [1], at: 96))
    let error = #expect(throws: GGUFError.self) { try open(raw) }
    let text = error?.description ?? ""
    #expect(text.contains("'a' and 'b' share bytes"), "\(text)")
    // Listed first it is in order.
    raw.tensors = [RawGGUF.tensor("none", [0], at: 0), RawGGUF.tensor("a", [32], at: 0)]
    #expect(try open(raw).header.warnings == [])
  }

  @Test("the missing padding of the last bytes is told with an empty tensor behind them")
  func emptyLast() throws {
    var raw = RawGGUF.sound([("a", [25])])
    raw.tensors.append(RawGGUF.tensor("none", [0], at: 96))
    raw.data.removeLast(28)
    let warnings = try open(raw).header.warnings
    #expect(warnings.contains { $0.contains("behind the last tensor, 'a', is missing") })
  }

  @Test("a gap before the first tensor counts")
  func leadingGap() throws {
    var raw = RawGGUF.sound([("a", [8])])
    raw.tensors[0] = RawGGUF.tensor("a", [8], at: 32)
    raw.data += raw.data
    let file = try open(raw)
    #expect(file.header.warnings.count == 1)
    #expect(try problems(file).count == 1)
  }

  @Test("tensors out of order are read with a warning, and reported")
  func outOfOrder() throws {
    var raw = BadGGUF.sound
    raw.tensors.reverse()
    let file = try open(raw)
    #expect(file.tensors.map(\.name) == ["b", "a"])
    #expect(try file.bytes(ofTensor: 0) == Array(64..<96))
    #expect(file.header.warnings.count == 1)
    #expect(file.header.warnings[0].contains("1 tensors stand before"))
    #expect(try problems(file).map { $0.prefix(2) } == ["a:"])
  }

  @Test("padding that is not zero is found, before the data and between tensors")
  func padding() throws {
    var raw = BadGGUF.sound
    raw.data[61] = 1
    var bytes = raw.bytes
    bytes[bytes.count - raw.data.count - 1] = 1
    try folder.write(bytes, to: "x.gguf")
    let file = try GGUFReader(folder("x.gguf"))
    #expect(file.header.warnings == [])
    #expect(
      try problems(file) == [
        "byte \(file.header.listEnd): the padding before the data is not zero",
        "byte \(file.header.dataStart + 60): the padding before what follows 'a' is not zero",
      ]
    )
  }

  @Test(
    "a type without a known size is listed, and refused when read",
    arguments: [
      (4, "Q4_2"), (31, "Q4_0_4_4"), (38, "IQ4_NL_8_8"), (43, "GGML_43"), (-1, "GGML_-1"),
    ]
      as [(Int32, String)]
  )
  func unknownType(id: Int32, name: String) throws {
    var raw = RawGGUF.sound([("a", [8]), ("b", [9]), ("c", [8])])
    raw.tensors[1] = RawGGUF.tensor("b", [9], type: id, at: 32)
    let file = try open(raw)
    let tensor = file.tensors[1]
    #expect(tensor.type == .unknown(name))
    #expect(tensor.shape == [9])
    #expect(tensor.fileRange.count == 64 && tensor.byteCount == 64)
    #expect(try file.bytes(ofTensor: 2) == Array(96..<128))
    #expect(file.header.warnings.count == 1)
    #expect(file.header.warnings[0].contains(name))
    #expect(
      throws: GGUFError.unknownElementType(file: file.path, tensor: "b", type: name)
    ) { try file.bytes(ofTensor: 1) }
    #expect(try problems(file).map { $0.prefix(2) } == ["b:"])
    // It is the last one, too.
    raw.tensors[1] = RawGGUF.tensor("b", [8], at: 32)
    raw.tensors[2] = RawGGUF.tensor("c", [8], type: id, at: 96)
    #expect(try open(raw).tensors[2].fileRange.count == 32)
  }

  @Test("another alignment is followed")
  func alignment() throws {
    var raw = RawGGUF()
    raw.alignment = 1 << 20
    raw.keys = [RawGGUF.pair("general.alignment", 1 << 20)]
    raw.tensors = [RawGGUF.tensor("a", [1]), RawGGUF.tensor("b", [1], at: 1 << 20)]
    raw.data = [UInt8](repeating: 0, count: 1 << 20) + [1, 2, 3, 4]
    let file = try open(raw)
    #expect(file.header.dataStart == 1 << 20)
    #expect(try file.bytes(ofTensor: 1) == [1, 2, 3, 4])
  }

  @Test(
    "parts of a tensor are read by either way",
    arguments: [MappedFile.Access.mapped, .positioned]
  )
  func parts(access: MappedFile.Access) throws {
    try folder.write(BadGGUF.sound.bytes, to: "x.gguf")
    let file = try GGUFReader(folder("x.gguf"), access: access)
    var part = [UInt8](repeating: 0, count: 5)
    try part.withUnsafeMutableBytes { try file.read(tensor: 0, bytes: 20..<25, into: $0) }
    #expect(part == [20, 21, 22, 23, 24])
  }

  @Test("a file that is cut while it is open is an error")
  func shrunk() throws {
    let file = try open(BadGGUF.sound)
    try folder.resize("x.gguf", to: file.byteCount - 1)
    #expect(throws: StorageError.self) { try file.bytes(ofTensor: 1) }
  }

  @Test("what is no regular file is refused")
  func notRegular() throws {
    try folder.makePipe("pipe.gguf")
    #expect(throws: StorageError.notRegularFile(path: folder("pipe.gguf"))) {
      try GGUFReader(folder("pipe.gguf"))
    }
  }

  @Test("more than 1 GiB before the data is refused before it is read")
  func hugeHeader() throws {
    var raw = RawGGUF()
    raw.keys = [RawGGUF.array("x", of: 10, 1 << 27, [])]
    try folder.write(raw.bytes, to: "x.gguf")
    // Without blocks on the disk.
    try folder.resize("x.gguf", to: 2 << 30)
    #expect(throws: GGUFError.headerTooLarge(file: folder("x.gguf"), limit: 1 << 30)) {
      try GGUFReader(folder("x.gguf"))
    }
  }

  @Test("strings longer than the reader's window come whole")
  func longString() throws {
    let text = String(repeating: "0123456789é", count: 90_000)
    let file = try open(
      .sound([("a", [1])], keys: [RawGGUF.pair("t", text), RawGGUF.pair("u", 7)])
    )
    #expect(file.metadata["t"] == .string(text))
    #expect(file.metadata["u"] == .uint32(7))
  }
}
