import GGUF
import SystemPackage
import Tensors
import TestSupport

/// A model to be written, with the bytes of its tensors.
struct Model: Sendable {
  var metadata: GGUFMetadata
  var tensors: [RawTensor]

  var layouts: [TensorLayout] {
    tensors.map { TensorLayout(name: $0.name, type: $0.type, shape: $0.shape) }
  }

  /// Tensors whose sizes need padding and some that do not, one empty, one stacked.
  static let sample: Model = {
    var random = SeededRandom(seed: 12)
    let shapes: [(String, ElementType, [Int])] = [
      ("token_embd.weight", .f32, [7, 5]), ("blk.0.ffn_gate_exps.weight", .bf16, [4, 3, 8]),
      ("blk.0.ffn_down_exps.weight", .q8_0, [4, 2, 32]), ("none", .f16, [0, 3]),
      ("scalar", .f64, []), ("blk.0.ffn_gate_inp.weight", .f32, [4, 8]), ("ids", .i8, [3]),
    ]
    return Model(
      metadata: GGUFMetadata([
        ("general.architecture", .string("test")), ("test.block_count", .uint32(1)),
        ("general.alignment", .uint32(32)),
        ("tokenizer.ggml.tokens", .array(GGUFArray(["a", "é", ""]))),
      ]),
      tensors: shapes.map { name, type, shape in
        let count = (try? type.byteCount(shape: shape)) ?? 0
        return RawTensor(name, type, shape, random.bytes(count))
      }
    )
  }()

  func plan(_ destination: FilePath, _ limits: GGUFShardPlan.Limits = .init()) throws
    -> GGUFShardPlan
  {
    try GGUFShardPlan(
      destination: destination,
      metadata: metadata,
      tensors: layouts,
      limits: limits
    )
  }

  /// Writes everything, front to back.
  func write(_ destination: FilePath, _ limits: GGUFShardPlan.Limits = .init()) throws {
    let writer = try GGUFWriter(try plan(destination, limits))
    for index in tensors.indices { try write(index, to: writer) }
    try writer.finish()
  }

  func write(_ index: Int, to writer: GGUFWriter) throws {
    try tensors[index].bytes.withUnsafeBytes { try writer.write($0, tensor: index, at: 0) }
  }

  /// Whether a source has these tensors in this order.
  func isHeld(by source: any TensorSource) throws -> Bool {
    try source.tensors.enumerated().map { index, tensor in
      RawTensor(tensor.name, tensor.type, tensor.shape, try source.bytes(ofTensor: index))
    } == tensors
  }
}
