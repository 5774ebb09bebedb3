internal import Checkpoint
internal import Conversion
internal import Pack
internal import Safetensors
internal import SystemPackage
internal import Tensors
package import TestSupport

/// One safetensors file.
package final class SafetensorsTarget: FuzzTarget {
  package static let name = "safetensors"
  package let seeds: [[UInt8]]

  private let scratch: Scratch
  private let json = JSONMutation(
    words: [
      "dtype", "shape", "data_offsets", "__metadata__", "a", "F32", "BF16", "F16", "F64", "F4",
      "F6_E2M3", "F8_E4M3", "U8", "I64", "BOOL", "C64", "Q8_0", "X1", "F32\\u0000", "a\\u0000b",
      "../a", "\\u001b[31m",
    ]
  )

  package init(folder: String, fixtures: String) throws {
    scratch = Scratch(folder)
    var random = SeededRandom(seed: 1)
    let types: [ElementType] = [.f32, .bf16, .u8, .f8E4M3, .i64]
    let tensors = types.map { type in
      RawTensor(
        "t.\(type.name)",
        type,
        [2, 3],
        random.bytes((try? type.byteCount(shape: [2, 3])) ?? 0)
      )
    }
    seeds = [
      RawSafetensors.file(TinyModel.mixtral().tensors, metadata: #"{"format":"pt"}"#),
      RawSafetensors.file(tensors, metadata: #"{"a":"b","c":""}"#),
      RawSafetensors.file(
        [
          RawTensor("f4", .f4, [2, 2], [1, 2]), RawTensor("none", .f32, [0, 3], []),
          RawTensor("scalar", .f32, [], [0, 0, 128, 63]),
          RawTensor("new", .unknown("X9"), [3], [1]),
        ]
      ),
      RawSafetensors.file("  {}  "),
    ]
  }

  package func mutated(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    var bytes = input
    guard bytes.count >= 8, let length = Int(exactly: bytes.integer(UInt64.self, at: 0)),
      length <= bytes.count - 8, Int.random(in: 0..<8, using: &random) > 0
    else {
      ByteMutation.apply(to: &bytes, using: &random)
      return bytes
    }
    var header = Array(bytes[8..<8 + length])
    json.apply(to: &header, using: &random)
    var buffer = Array(bytes[(8 + length)...])
    // Some changes of a size are right if the buffer grows or shrinks with them.
    switch Int.random(in: 0..<16, using: &random) {
    case 0: buffer += random.bytes(Int.random(in: 1...16, using: &random))
    case 1: buffer.removeLast(min(buffer.count, Int.random(in: 1...16, using: &random)))
    default: break
    }
    return RawSafetensors.file(headerBytes: header, buffer)
  }

  package func run(_ input: [UInt8]) throws -> Bool {
    let path = scratch("x.safetensors")
    try scratch.write(input, to: "x.safetensors")
    guard let reader = try opening("x.safetensors", { try SafetensorsReader(path) }) else {
      return false
    }
    let checkpoint = try must("opening as a model") { try Checkpoint(path.string) }
    let model = WholeModel(checkpoint: checkpoint, scratch: scratch)
    try model.inspect()
    for problem in model.problems() {
      try require(problem.message.contains("not a finite number"), "verify: \(problem.message)")
    }
    try write(reader)
    // A pack has room for 16 axes and for names of 65,535 and 255 bytes.
    try model.packAndUnpack { error in
      if case .cannotStore? = error as? PackError { true } else { false }
    }
    return true
  }

  /// Writes the tensors anew with our writer; they must read back as they are.
  private func write(_ reader: SafetensorsReader) throws {
    let layouts = reader.tensors.map { TensorLayout(name: $0.name, type: $0.type, shape: $0.shape) }
    let path = scratch("written.safetensors")
    do {
      let writer = try SafetensorsWriter(
        replacing: path,
        tensors: layouts,
        metadata: reader.header.metadata
      )
      for index in layouts.indices {
        try reader.bytes(ofTensor: index).withUnsafeBytes {
          try writer.write($0, tensor: index, at: 0)
        }
      }
      try writer.finish()
    } catch SafetensorsError.notExpressible(_, _, let type) {
      try require(!ElementType(name: type).isSafetensors, "'\(type)' is not written")
      return
    } catch { throw BrokenProperty("writing: \(error)") }
    let again = try must("reading what was written") { try SafetensorsReader(path) }
    try require(
      again.header.metadata.elementsEqual(reader.header.metadata) {
        $0.key.utf8.elementsEqual($1.key.utf8) && $0.value.utf8.elementsEqual($1.value.utf8)
      },
      "other metadata came back"
    )
    try require(again.tensors.count == reader.tensors.count, "other tensors came back")
    let places = Dictionary(
      again.tensors.enumerated().map { (Array($1.name.utf8), $0) },
      uniquingKeysWith: { first, _ in first }
    )
    for (index, tensor) in reader.tensors.enumerated() {
      guard let place = places[Array(tensor.name.utf8)] else {
        throw BrokenProperty("'\(tensor.name)' did not come back")
      }
      let other = again.tensors[place]
      try require(
        other.type == tensor.type && other.shape == tensor.shape
          && (try again.bytes(ofTensor: place)) == (try reader.bytes(ofTensor: index)),
        "'\(tensor.name)' came back changed"
      )
    }
  }
}
