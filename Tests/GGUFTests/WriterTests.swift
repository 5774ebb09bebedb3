import Glibc
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import GGUF

@Suite("GGUF writer")
struct WriterTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("a small file, byte for byte by the format's description")
  func bytes() throws {
    let writer = try GGUFWriter(
      replacing: folder("out.gguf"),
      metadata: GGUFMetadata([("a", .uint16(258)), ("b", .array(GGUFArray(["x"])))]),
      tensors: [TensorLayout(name: "t", type: .u8, shape: [2, 3])].map {
        TensorLayout(name: $0.name, type: .i8, shape: $0.shape)
      }
    )
    try [UInt8](1...6).withUnsafeBytes { try writer.write($0, tensor: 0, at: 0) }
    try writer.finish()
    var expected = Array("GGUF".utf8) + .littleEndian(UInt32(3))
    expected += .littleEndian(UInt64(1)) + .littleEndian(UInt64(2))
    expected += .littleEndian(UInt64(1)) + [0x61] + .littleEndian(UInt32(2)) + [2, 1]
    expected += .littleEndian(UInt64(1)) + [0x62] + .littleEndian(UInt32(9))
    expected += .littleEndian(UInt32(8)) + .littleEndian(UInt64(1))
    expected += .littleEndian(UInt64(1)) + [0x78]
    // The tensor: name, two axes innermost first, type 24, offset 0.
    expected += .littleEndian(UInt64(1)) + [0x74] + .littleEndian(UInt32(2))
    expected += .littleEndian(UInt64(3)) + .littleEndian(UInt64(2))
    expected += .littleEndian(Int32(24)) + .littleEndian(UInt64(0))
    expected += [UInt8](repeating: 0, count: (32 - expected.count % 32) % 32)
    expected += [UInt8](1...6) + [UInt8](repeating: 0, count: 26)
    #expect(try folder.bytes(of: "out.gguf") == expected)
  }

  @Test("what was written is read again", arguments: [8, 32, 64, 4096] as [UInt32])
  func roundTrip(alignment: UInt32) throws {
    var model = Model.sample
    model.metadata["general.alignment"] = .uint32(alignment)
    try model.write(folder("out.gguf"))
    let file = try GGUFReader(folder("out.gguf"))
    #expect(file.metadata == model.metadata)
    #expect(file.header.alignment == Int(alignment))
    #expect(file.header.warnings == [])
    #expect(file.byteCount % Int(alignment) == 0)
    #expect(try model.isHeld(by: file))
    try file.verify { Issue.record("\($0): \($1)") }
  }

  @Test("parts may come in any order, in pieces, and over each other")
  func anyOrder() throws {
    let model = Model.sample
    try model.write(folder("front.gguf"))
    var random = SeededRandom(seed: 2)
    for _ in 0..<20 {
      let writer = try GGUFWriter(try model.plan(folder("out.gguf")))
      var pieces: [(tensor: Int, range: Range<Int>)] = []
      for (index, tensor) in model.tensors.enumerated() {
        var start = 0
        while start < tensor.bytes.count {
          let end = min(tensor.bytes.count, start + Int.random(in: 1...90, using: &random))
          pieces.append((index, start..<end))
          // Some bytes come twice.
          start = max(start + 1, end - Int.random(in: 0...3, using: &random))
        }
      }
      for piece in pieces.shuffled(using: &random) {
        try model.tensors[piece.tensor].bytes.withUnsafeBytes {
          try writer.write(
            UnsafeRawBufferPointer(rebasing: $0[piece.range]),
            tensor: piece.tensor,
            at: piece.range.lowerBound
          )
        }
      }
      try writer.finish()
      #expect(try folder.bytes(of: "out.gguf") == folder.bytes(of: "front.gguf"))
    }
  }

  @Test("experts come from several threads, each to its place in the stacked tensor")
  func threads() throws {
    let experts = 64
    let slab = 3000
    let writer = try GGUFWriter(
      replacing: folder("out.gguf"),
      metadata: GGUFMetadata(),
      tensors: (0..<3).map { TensorLayout(name: "exps.\($0)", type: .i8, shape: [experts, slab]) }
    )
    let failures = Failures()
    let writing = Thread.run(count: 4) { thread in
      for number in stride(from: thread, to: 3 * experts, by: 4) {
        let bytes = [UInt8](repeating: UInt8(number), count: slab)
        do {
          try bytes.withUnsafeBytes {
            try writer.write($0, tensor: number % 3, at: number / 3 * slab)
          }
        } catch { failures.add("\(error)") }
      }
    }
    writing.join()
    #expect(failures.all == [])
    try writer.finish()
    let file = try GGUFReader(folder("out.gguf"))
    for tensor in 0..<3 {
      let bytes = try file.bytes(ofTensor: tensor)
      for expert in 0..<experts {
        #expect(
          bytes[expert * slab..<(expert + 1) * slab].allSatisfy { $0 == UInt8(3 * expert + tensor) }
        )
      }
    }
  }

  @Test("a file is not put in place while bytes are missing", arguments: [0, 1, 17, 139])
  func unwritten(hole: Int) throws {
    try folder.write("old", to: "out.gguf")
    let model = Model.sample
    let writer = try GGUFWriter(try model.plan(folder("out.gguf")))
    for index in model.tensors.indices where index != 0 { try model.write(index, to: writer) }
    let bytes = model.tensors[0].bytes
    try bytes.withUnsafeBytes {
      try writer.write(UnsafeRawBufferPointer(rebasing: $0[..<hole]), tensor: 0, at: 0)
      try writer.write(UnsafeRawBufferPointer(rebasing: $0[(hole + 1)...]), tensor: 0, at: hole + 1)
    }
    let expected = GGUFError.unwritten(
      file: folder("out.gguf"),
      tensor: "token_embd.weight",
      missing: 1
    )
    #expect(throws: expected) { try writer.finish() }
    #expect(try folder.bytes(of: "out.gguf") == Array("old".utf8))
    try bytes[hole...hole].withUnsafeBytes { try writer.write($0, tensor: 0, at: hole) }
    try writer.finish()
    #expect(try model.isHeld(by: GGUFReader(folder("out.gguf"))))
  }

  @Test("a writer that is given up leaves nothing")
  func abandoned() throws {
    let model = Model.sample
    for limits in [GGUFShardPlan.Limits(), .init(tensors: 2)] {
      do {
        let writer = try GGUFWriter(try model.plan(folder("out.gguf"), limits))
        try model.write(0, to: writer)
        #expect(!folder.names.isEmpty)
      }
      #expect(folder.names == [])
    }
  }

  @Test("a file may be written over the one it is read from")
  func overItself() throws {
    let model = Model.sample
    try model.write(folder("out.gguf"))
    let file = try GGUFReader(folder("out.gguf"), access: .mapped)
    var other = model
    other.tensors.removeLast(4)
    try other.write(folder("out.gguf"))
    #expect(try model.isHeld(by: file))
    #expect(try other.isHeld(by: GGUFReader(folder("out.gguf"))))
  }

  @Test("a killed run is gone on with where its bytes are vouched for", arguments: [1, 3])
  func resumed(tensorsPerFile: Int) throws {
    let model = Model.sample
    let limits = GGUFShardPlan.Limits(tensors: tensorsPerFile == 1 ? nil : tensorsPerFile)
    try model.write(folder("front.gguf"), limits)
    let plan = try model.plan(folder("out.gguf"), limits)
    var sums: [UInt64] = []
    do {
      let writer = try GGUFWriter(plan, isResumable: true)
      for index in 0..<3 { try model.write(index, to: writer) }
      try writer.sync()
      for index in 0..<3 {
        let range = 0..<model.tensors[index].bytes.count
        sums.append(try writer.checksum(ofTensor: index, bytes: range))
        #expect(sums[index] == Checksum.of(model.tensors[index].bytes))
      }
    }
    #expect(folder.names.contains { $0.hasSuffix(".partial") })
    do {
      let writer = try GGUFWriter(plan, isResumable: true)
      #expect(throws: GGUFError.self) { try writer.finish() }
      for index in 0..<3 {
        let range = 0..<model.tensors[index].bytes.count
        let lost = StorageError.lostWorkFile(
          path: FilePath(plan.shards[0].path.string + ".partial")
        )
        #expect(throws: lost) {
          try writer.confirm(tensor: index, bytes: range, checksum: sums[index] ^ 1)
        }
        try writer.confirm(tensor: index, bytes: range, checksum: sums[index])
      }
      for index in 3..<model.tensors.count { try model.write(index, to: writer) }
      try writer.finish()
    }
    for name in folder.names where name.hasPrefix("out") {
      let front = "front" + name.dropFirst(3)
      #expect(try folder.bytes(of: name) == folder.bytes(of: front))
    }
    #expect(!folder.names.contains { $0.hasSuffix(".partial") })
  }

  @Test("a work file of something longer is not put in place")
  func foreignWorkFile() throws {
    let model = Model.sample
    try folder.write([UInt8](repeating: 1, count: 100_000), to: "out.gguf.partial")
    let writer = try GGUFWriter(try model.plan(folder("out.gguf")), isResumable: true)
    for index in model.tensors.indices { try model.write(index, to: writer) }
    let error = StorageError.lostWorkFile(path: folder("out.gguf.partial"))
    #expect(throws: error) { try writer.finish() }
  }

  // MARK: - Refusals

  private func refused(
    _ keys: [(String, GGUFValue)],
    _ tensors: [TensorLayout],
    saying words: String...
  ) {
    let error = #expect(throws: GGUFError.self) {
      try GGUFWriter(
        replacing: folder("out.gguf"),
        metadata: GGUFMetadata(keys),
        tensors: tensors
      )
    }
    let text = error?.description ?? ""
    for word in [folder("out.gguf").string] + words {
      #expect(text.contains(word), "no '\(word)' in: \(text)")
    }
    #expect(folder.names == [])
  }

  private func tensor(_ name: String, _ type: ElementType = .f32, _ shape: [Int] = [1])
    -> TensorLayout
  {
    TensorLayout(name: name, type: type, shape: shape)
  }

  @Test("what the format cannot say is refused before anything is written")
  func refusals() {
    refused([("", .bool(true))], [], saying: "key", "empty")
    refused([("a\0", .bool(true))], [], saying: "NUL")
    refused([(String(repeating: "k", count: 65_536), .bool(true))], [], saying: "65536", "65535")
    refused(
      [("k", .string(String(repeating: "x", count: 64 << 20 + 1)))],
      [],
      saying: "'k'",
      "67108865"
    )
    refused(
      [("k", .array(GGUFArray(["", String(repeating: "x", count: 64 << 20 + 1)])))],
      [],
      saying: "'k'",
      "67108865"
    )
    refused([("general.alignment", .uint32(24))], [], saying: "general.alignment is 24")
    refused([("general.alignment", .uint64(32))], [], saying: "u64", "u32")
    refused([], [tensor(String(repeating: "n", count: 64))], saying: "64 bytes", "63")
    refused([], [tensor("n\0")], saying: "NUL")
    refused([], [tensor("n"), tensor("n")], saying: "'n'", "twice")
    refused([], [tensor("n", .f32, [1, 1, 1, 1, 1])], saying: "5 axes")
    refused([], [tensor("n", .q8_0, [2, 33])], saying: "33", "block of 32")
    refused([], [tensor("n", .f32, [1 << 32, 1 << 32])], saying: "counted")
    refused([], [tensor("n", .f64, [1 << 61])], saying: "counted")
    refused(
      [],
      (0..<8).map { tensor("n\($0)", .i8, [1 << 59]) },
      saying: "too large",
      "--split-max-size"
    )
    refused([], [tensor("n", .f32, [-1])], saying: "'n'")
    for type in ["U8", "BOOL", "F8_E4M3", "Q4_2", "GGML_43", "X"] {
      refused([], [tensor("n", ElementType(name: type))], saying: "'n'", type, "--type")
    }
  }

  @Test("names of 63 bytes and keys of 65,535 are written and read")
  func longest() throws {
    let key = String(repeating: "k", count: 65_535)
    let name = String(repeating: "é", count: 31) + "x"
    let writer = try GGUFWriter(
      replacing: folder("out.gguf"),
      metadata: GGUFMetadata([(key, .uint8(1))]),
      tensors: [tensor(name, .f32, [0])]
    )
    try writer.finish()
    let file = try GGUFReader(folder("out.gguf"))
    #expect(file.metadata[key] == .uint8(1) && file.tensors[0].name == name)
  }

  @Test("every element type of ggml is written by name and size")
  func elementTypes() throws {
    let names = [
      "F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K",
      "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S",
      "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", "TQ1_0", "TQ2_0", "MXFP4",
      "NVFP4", "Q1_0", "Q2_0",
    ]
    let layouts = names.map { tensor($0, ElementType(name: $0), [2, 256]) }
    let writer = try GGUFWriter(
      replacing: folder("out.gguf"),
      metadata: GGUFMetadata(),
      tensors: layouts
    )
    for index in layouts.indices {
      let bytes = [UInt8](repeating: UInt8(index), count: writer.byteCount(ofTensor: index))
      try bytes.withUnsafeBytes { try writer.write($0, tensor: index, at: 0) }
    }
    try writer.finish()
    let file = try GGUFReader(folder("out.gguf"))
    #expect(file.tensors.map(\.type.name) == names)
    #expect(try names.indices.allSatisfy { try file.bytes(ofTensor: $0).first == UInt8($0) })
  }
}
