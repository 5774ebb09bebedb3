import Checkpoint
import Fixtures
import Safetensors
import SystemPackage
import Tensors

@testable import Evaluation

/// Models and streams that several suites use.
enum Sample {
  static let micro = Fixtures.path("models/micro-qwen2moe")
  static let heldout = Fixtures.path("text/heldout.jsonl")

  /// The first tokens of the held-out text.
  static func stream(for checkpoint: Checkpoint, context: Int = 64, limit: Int? = 256) throws
    -> TokenStream
  {
    try TokenStream(
      .file(FilePath(heldout)),
      for: checkpoint,
      context: context,
      limit: limit
    )
  }

  /// A copy of micro-qwen2moe whose final norm has other weights: the same vocabulary, other logits.
  static func alteredModel(in scratch: ScratchFolder) throws -> String {
    let folder = try scratch.copy(micro, as: "altered")
    let path = "\(folder)/model.safetensors"
    let reader = try SafetensorsReader(FilePath(path))
    var bytes = try ScratchFolder.bytes(of: path)
    for tensor in reader.tensors where tensor.name == "model.norm.weight" {
      // One bit of the mantissa of BF16: up to a quarter more or less.
      for place in stride(from: tensor.fileRange.lowerBound, to: tensor.fileRange.upperBound, by: 2)
      { bytes[place] ^= 0x20 }
    }
    try scratch.write("altered/model.safetensors", bytes)
    return folder
  }

  /// Saved logits, window by window, token by token.
  static func logits(in path: String) throws -> [[Float]] {
    let reader = try SafetensorsReader(FilePath(path))
    guard let index = reader.tensors.firstIndex(where: { $0.name == "logits" }) else { return [] }
    let width = reader.tensors[index].shape.last ?? 1
    let bytes = try reader.bytes(ofTensor: index)
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count / 4, by: width).map { start in
        (start..<start + width).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    }
  }
}
