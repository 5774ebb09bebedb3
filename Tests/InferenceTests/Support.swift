import Fixtures
import LinearAlgebra
import Safetensors
import SystemPackage
import Tensors

/// A matrix of numbers around zero that depends only on its shape and `seed`.
func gaussian(_ rows: Int, _ columns: Int, seed: UInt64 = 1) -> Matrix {
  var generator = SeededGenerator(seed: seed, stream: UInt64(rows * 10_000 + columns))
  return Matrix.gaussian(rows: rows, columns: columns, generator: &generator)
}

/// ‖a - b‖ / ‖b‖ in Double; infinite where the sizes differ or a number is NaN.
func relativeDifference(_ a: [Float], _ b: [Float]) -> Double {
  relativeDifference(a.map { Double($0) }, b.map { Double($0) })
}

/// ‖a - b‖ / ‖b‖; infinite where the sizes differ or a number is NaN.
func relativeDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  var (part, whole) = (0.0, 0.0)
  for (x, y) in zip(a, b) {
    part += (x - y) * (x - y)
    whole += y * y
  }
  let error = whole > 0 ? (part / whole).squareRoot() : part.squareRoot()
  return error.isNaN ? .infinity : error
}

/// Rows of a matrix in Double.
func rows(_ matrix: Matrix) -> [[Double]] {
  (0..<matrix.rows).map { matrix.row($0).map { Double($0) } }
}

/// X Wᵀ by the definition, in Double.
func slowProduct(_ x: [[Double]], transposed w: [[Double]]) -> [[Double]] {
  x.map { row in w.map { other in zip(row, other).reduce(0) { $0 + $1.0 * $1.1 } } }
}

/// Reads the tensors of an oracle by name.
struct OracleFile {
  private let reader: SafetensorsReader

  /// The oracle of `model`; nil where there is none.
  init?(of model: String) throws {
    guard let path = Fixtures.find("oracles/\(model).safetensors") else { return nil }
    reader = try SafetensorsReader(FilePath(path))
  }

  /// The shape of a tensor; empty if it is not there.
  func shape(_ name: String) -> [Int] {
    reader.tensors.first { $0.name == name }?.shape ?? []
  }

  /// The numbers of a tensor, of the type it is stored in.
  func numbers<Number: BitwiseCopyable>(_ name: String, as type: Number.Type) throws -> [Number] {
    guard let index = reader.tensors.firstIndex(where: { $0.name == name }) else { return [] }
    let bytes = try reader.bytes(ofTensor: index)
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: MemoryLayout<Number>.stride).map {
        raw.loadUnaligned(fromByteOffset: $0, as: Number.self)
      }
    }
  }
}
