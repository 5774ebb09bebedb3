internal import Checkpoint
internal import LinearAlgebra
internal import Tensors

/// Values of a compared tensor as Float32, infinite ones and NaN included.
struct ComparedValues {
  private let source: any TensorSource
  private let tensor: ComparedTensor
  /// The product of factors, or gathered rows: what cannot be read in pieces.
  private let whole: Matrix?

  /// Opens the values of `tensor`; multiplies factors, in the one way for any number of threads.
  init(_ tensor: ComparedTensor, of checkpoint: Checkpoint) throws {
    let source = checkpoint.source
    self.source = source
    self.tensor = tensor
    switch tensor.origin {
    case .bytes: whole = nil
    case .rows(let index, let rows):
      let columns = tensor.elementCount / max(rows.count, 1)
      let matrix = Matrix(rows: rows.count, columns: columns)
      let rowBytes = source.tensors[index].byteCount / max(source.tensors[index].shape[0], 1)
      for (place, row) in rows.enumerated() {
        let target = matrix.row(place)
        try ComparedValues.widen(source, index, row * rowBytes..<(row + 1) * rowBytes, target)
      }
      whole = matrix
    case .factors(let left, let right, let rank, let rows, let columns):
      func load(_ index: Int, _ columns: Int) throws -> Matrix {
        let matrix = Matrix(unfilledRows: rank, columns: columns)
        let bytes = 0..<source.tensors[index].byteCount
        try ComparedValues.widen(source, index, bytes, matrix.elements)
        return matrix
      }
      let factors = LowRankFactors(
        storedLeft: try load(left, rows),
        right: try load(right, columns)
      )
      whole = try factors.product(threads: 1)
    }
  }

  /// Calls `body` with some elements, whole blocks of them.
  func withElements<Result>(
    _ range: Range<Int>,
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) throws -> Result {
    if let whole {
      defer { withExtendedLifetime(whole) {} }
      return try body(UnsafeBufferPointer(rebasing: whole.elements[range]))
    }
    guard case .bytes(let index, let bytes) = tensor.origin else { preconditionFailure() }
    let floats = Matrix(unfilledRows: 1, columns: range.count)
    defer { withExtendedLifetime(floats) {} }
    try ComparedValues.widen(
      source,
      index,
      try ComparedValues.bytes(range, tensor.type, from: bytes.lowerBound),
      floats.elements
    )
    return try body(UnsafeBufferPointer(floats.elements))
  }

  /// Where elements stand, for any type with whole blocks in `range`.
  static func bytes(_ range: Range<Int>, _ type: ElementType, from start: Int) throws -> Range<Int>
  {
    let first = start + (try type.byteCount(shape: [range.lowerBound]))
    return first..<first + (try type.byteCount(shape: [range.count]))
  }

  private static func widen(
    _ source: any TensorSource,
    _ index: Int,
    _ bytes: Range<Int>,
    _ target: UnsafeMutableBufferPointer<Float>
  ) throws {
    var stored = [UInt8](repeating: 0, count: bytes.count)
    try stored.withUnsafeMutableBytes { buffer in
      try source.read(tensor: index, bytes: bytes, into: buffer)
      try source.tensors[index].type.widen(UnsafeRawBufferPointer(buffer), into: target)
    }
  }
}
