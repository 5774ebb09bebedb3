package import LinearAlgebra
internal import Safetensors
internal import Storage
package import SystemPackage
package import Tensors

/// Logits in a safetensors file: `logits` [windows, N, vocabulary] F32 and `input_ids`
/// [windows, N] I64.
package final class SavedLogits: LogitSource {
  /// Size of the vocabulary of the model that made them.
  package let vocabularySize: Int
  private let reader: SafetensorsReader
  private let tensor: Int
  private let context: Int
  private let windowsPerGroup: Int
  private var vocabulary = 0..<0

  /// Opens a file and checks that it was made from the same windows.
  package init(_ path: FilePath, ids: [Int32], context: Int, windowsPerGroup: Int) throws {
    let reader = try SafetensorsReader(path)
    self.reader = reader
    self.context = context
    self.windowsPerGroup = windowsPerGroup
    func index(_ name: String) throws -> Int {
      guard let index = reader.tensors.firstIndex(where: { $0.name == name }) else {
        throw EvaluationError.otherLogits(
          file: path,
          reason: "has no tensor '\(name)'; make it with evaluate --save-logits"
        )
      }
      return index
    }
    tensor = try index("logits")
    let shape = reader.tensors[tensor].shape
    let windows = ids.count / context
    guard shape.count == 3, shape[0] == windows, shape[1] == context,
      reader.tensors[tensor].type == .f32
    else {
      throw EvaluationError.otherLogits(
        file: path,
        reason: "logits have shape \(shape), expected F32 [\(windows), \(context), …]"
      )
    }
    vocabularySize = shape[2]
    let idTensor = try index("input_ids")
    let bytes = try reader.bytes(ofTensor: idTensor)
    let saved = bytes.withUnsafeBytes { raw in
      (0..<bytes.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self) }
    }
    guard reader.tensors[idTensor].type == .i64, saved == ids.map({ Int64($0) }) else {
      throw EvaluationError.otherLogits(file: path, reason: "was made from other token ids")
    }
  }

  /// Notes which rows of the vocabulary are wanted.
  package func begin(vocabulary: Range<Int>) { self.vocabulary = vocabulary }

  /// Reads the wanted logits token by token: [tokens, rows].
  package func logits(group: Int, rows: Range<Int>) throws -> Matrix {
    let y = Matrix(rows: rows.count, columns: vocabulary.count)
    let first = group * windowsPerGroup * context + rows.lowerBound
    for row in 0..<rows.count {
      let start = ((first + row) * vocabularySize + vocabulary.lowerBound) * 4
      try reader.read(
        tensor: tensor,
        bytes: start..<start + 4 * vocabulary.count,
        into: UnsafeMutableRawBufferPointer(y.row(row))
      )
    }
    return y
  }

  /// The layout of a file of logits: `logits`, then `input_ids`.
  package static func layout(windows: Int, context: Int, vocabularySize: Int) -> [TensorLayout] {
    [
      TensorLayout(name: "logits", type: .f32, shape: [windows, context, vocabularySize]),
      TensorLayout(name: "input_ids", type: .i64, shape: [windows, context]),
    ]
  }
}
