internal import Checkpoint
internal import GGUF
internal import LinearAlgebra
internal import Parallelism
internal import Safetensors
internal import Tensors

/// A file that takes the bytes of its tensors in any order, from several threads.
protocol TensorSink: Sendable {
  /// Writes part of a tensor; `offset` counts from the tensor's first byte.
  func write(_ bytes: UnsafeRawBufferPointer, tensor index: Int, at offset: Int) throws
}

extension TensorSink {
  /// Narrows values and writes them.
  ///
  /// - Parameters:
  ///   - floats: Whole rows of the tensor.
  ///   - layout: The tensor.
  ///   - importance: How much an error in each column counts; nil where all count the same.
  ///   - index: The tensor's place in the file.
  ///   - offset: Where in the tensor they go, in bytes.
  /// - Throws: ``ConversionError/outOfRange(tensor:type:isWeighed:)`` if the type cannot say a value,
  ///   what writing throws.
  func write(
    _ floats: UnsafeBufferPointer<Float>,
    as layout: TensorLayout,
    importance: [Float]? = nil,
    tensor index: Int,
    at offset: Int
  ) throws {
    let type = layout.type
    var room = [UInt8](repeating: 0, count: try type.byteCount(shape: [floats.count]))
    try room.withUnsafeMutableBytes { buffer in
      if let importance {
        try importance.withUnsafeBufferPointer {
          try type.narrow(floats, importance: $0, into: buffer)
        }
      } else {
        try type.narrow(floats, into: buffer)
      }
      let bytes = UnsafeRawBufferPointer(buffer)
      if type.firstNonFinite(in: bytes, at: 0) != nil {
        throw ConversionError.outOfRange(
          tensor: layout.name,
          type: type.name,
          isWeighed: importance != nil
        )
      }
      try write(bytes, tensor: index, at: offset)
    }
  }
}

extension SafetensorsWriter: TensorSink {}
extension GGUFWriter: TensorSink {}

/// Where a matrix, or any run of values, of the output comes from.
enum TensorOrigin {
  /// Bytes of a tensor as they follow each other.
  case bytes(tensor: Int, Range<Int>)
  /// Some rows (of the outermost axis) of a tensor, in this order.
  case rows(tensor: Int, [Int])
  /// The product of two factors, Uᵀ [rank, rows] and V [rank, columns].
  case factors(left: Int, right: Int, rank: Int, rows: Int, columns: Int)
}

/// A part of an output tensor.
struct TensorPart {
  /// Where its values come from.
  var origin: TensorOrigin
  /// Where in the output tensor it begins, in bytes.
  var byteOffset = 0
  /// How much an error in each column counts when it is quantised; nil where all count the same.
  var importance: [Float]?
}

/// Writes values of a model into another file: as they are where the type stays, else widened and
/// narrowed, in pieces side by side. So neither a tensor nor an expert is ever in memory whole, unless
/// it is the product of factors.
struct TensorTranscription {
  let values: TensorValues
  let threads: Int

  /// Elements handled at once by a thread, whole rows of them.
  private static let pieceElements = 1 << 18

  /// Bytes of memory that writing needs beside factored matrices.
  static func pieceBytes(threads: Int, longestRow: Int) -> Int {
    // A piece as stored, which may be F64, as Float32, and as it will be stored.
    threads * 16 * max(pieceElements, longestRow)
  }

  /// Writes all parts of a tensor.
  ///
  /// - Parameters:
  ///   - parts: The parts, each of whole rows of the output.
  ///   - layout: The output tensor.
  ///   - sink: The file.
  ///   - index: Its place in the file.
  /// - Throws: `CheckpointError` for values that are no finite numbers,
  ///   ``ConversionError/outOfRange(tensor:type:isWeighed:)``, what reading and writing throw.
  func write(_ parts: [TensorPart], _ layout: TensorLayout, to sink: any TensorSink, as index: Int)
    throws
  {
    var pieces: [Piece] = []
    for part in parts {
      switch part.origin {
      case .bytes(let tensor, let range):
        pieces += try contiguous(tensor, range, part, layout)
      case .rows(let tensor, let rows): pieces += try gathered(tensor, rows, part, layout)
      case .factors(let left, let right, let rank, let rows, let columns):
        let factors = LowRankFactors(
          storedLeft: try load(left, rank, rows),
          right: try load(right, rank, columns)
        )
        let product = try factors.product(threads: threads)
        try write(product, part, layout, to: sink, as: index)
      }
    }
    let list = pieces
    try parallelForEach(count: list.count, threads: threads) { number in
      try write(list[number], layout, to: sink, as: index)
    }
  }

  // MARK: - Pieces

  /// Values that are read, changed and written together.
  private struct Piece {
    var tensor: Int
    /// Ranges of source bytes, one after another.
    var source: [Range<Int>]
    var elements: Int
    /// Where in the output tensor they go, in bytes.
    var offset: Int
    var importance: [Float]?
  }

  /// Cuts a run of bytes into pieces of whole rows, or where rows are no whole bytes into any.
  private func contiguous(
    _ tensor: Int,
    _ range: Range<Int>,
    _ part: TensorPart,
    _ layout: TensorLayout
  ) throws -> [Piece] {
    let stored = values.source.tensors[tensor]
    guard stored.type != layout.type else {
      // As it is, whatever it is.
      let step = 1 << 20
      return stride(from: range.lowerBound, to: range.upperBound, by: step).map { start in
        let bytes = start..<min(start + step, range.upperBound)
        return Piece(
          tensor: tensor,
          source: [bytes],
          elements: 0,
          offset: part.byteOffset + start - range.lowerBound
        )
      }
    }
    let unit = stored.type.unitElements
    let elements = range.count / (try stored.type.byteCount(shape: [unit])) * unit
    var columns = max(1, layout.shape.last ?? 1)
    // Floats of less than a byte may share bytes across rows; in runs of 16 they never do.
    if columns % unit != 0 { columns = 16 }
    let step = max(1, TensorTranscription.pieceElements / columns) * columns
    return try stride(from: 0, to: elements, by: step).map { first in
      let count = min(step, elements - first)
      let start = range.lowerBound + (try stored.type.byteCount(shape: [first]))
      return Piece(
        tensor: tensor,
        source: [start..<start + (try stored.type.byteCount(shape: [count]))],
        elements: count,
        offset: part.byteOffset + (try layout.type.byteCount(shape: [first])),
        importance: part.importance
      )
    }
  }

  /// Cuts chosen rows of the outermost axis into pieces: short ones together, long ones, such as the
  /// experts of a stack, each into several.
  private func gathered(
    _ tensor: Int,
    _ rows: [Int],
    _ part: TensorPart,
    _ layout: TensorLayout
  ) throws -> [Piece] {
    let stored = values.source.tensors[tensor]
    let columns = stored.shape.dropFirst().reduce(1, *)
    let rowBytes = stored.byteCount / max(stored.shape[0], 1)
    let outputRow = try layout.type.byteCount(shape: [columns])
    guard columns <= TensorTranscription.pieceElements else {
      return try rows.enumerated().flatMap { number, row in
        var own = part
        own.byteOffset += number * outputRow
        return try contiguous(tensor, row * rowBytes..<(row + 1) * rowBytes, own, layout)
      }
    }
    let step = max(1, TensorTranscription.pieceElements / max(columns, 1))
    return stride(from: 0, to: rows.count, by: step).map { first in
      let some = rows[first..<min(first + step, rows.count)]
      return Piece(
        tensor: tensor,
        source: some.map { $0 * rowBytes..<($0 + 1) * rowBytes },
        elements: some.count * columns,
        offset: part.byteOffset + first * outputRow,
        importance: part.importance
      )
    }
  }

  private func write(_ piece: Piece, _ layout: TensorLayout, to sink: any TensorSink, as index: Int)
    throws
  {
    guard values.source.tensors[piece.tensor].type != layout.type else {
      var stored = [UInt8](repeating: 0, count: piece.source.reduce(0) { $0 + $1.count })
      return try stored.withUnsafeMutableBytes { buffer in
        try read(piece, into: buffer)
        try sink.write(UnsafeRawBufferPointer(buffer), tensor: index, at: piece.offset)
      }
    }
    let floats = Matrix(unfilledRows: 1, columns: piece.elements)
    let count = piece.elements / piece.source.count
    for (number, range) in piece.source.enumerated() {
      try values.widen(
        tensor: piece.tensor,
        fromByte: range.lowerBound,
        into: UnsafeMutableBufferPointer(
          rebasing: floats.elements[number * count..<(number + 1) * count]
        )
      )
    }
    try sink.write(
      UnsafeBufferPointer(floats.elements),
      as: layout,
      importance: piece.importance,
      tensor: index,
      at: piece.offset
    )
  }

  private func read(_ piece: Piece, into buffer: UnsafeMutableRawBufferPointer) throws {
    var at = 0
    for range in piece.source {
      try values.source.read(
        tensor: piece.tensor,
        bytes: range,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[at..<at + range.count])
      )
      at += range.count
    }
  }

  // MARK: - Factors

  private func load(_ tensor: Int, _ rows: Int, _ columns: Int) throws -> Matrix {
    let matrix = Matrix(rows: rows, columns: columns)
    try values.widen(tensor: tensor, into: matrix.elements)
    return matrix
  }

  private func write(
    _ matrix: Matrix,
    _ part: TensorPart,
    _ layout: TensorLayout,
    to sink: any TensorSink,
    as index: Int
  ) throws {
    let block = max(1, TensorTranscription.pieceElements / max(matrix.columns, 1))
    let rowBytes = try layout.type.byteCount(shape: [matrix.columns])
    try parallelForEach(count: (matrix.rows + block - 1) / block, threads: threads) { number in
      let rows = number * block..<min((number + 1) * block, matrix.rows)
      let elements = matrix.elements[
        rows.lowerBound * matrix.columns..<rows.upperBound * matrix.columns
      ]
      try sink.write(
        UnsafeBufferPointer(rebasing: elements),
        as: layout,
        importance: part.importance,
        tensor: index,
        at: part.byteOffset + rows.lowerBound * rowBytes
      )
    }
  }
}
