internal import CKernels
public import SystemPackage
public import Tensors

/// Reads the values of tensors, and refuses those that are infinite or no number.
public struct TensorValues: Sendable {
  /// What holds the tensors.
  public let source: any TensorSource
  /// The model, for errors.
  public let path: FilePath

  /// Values of `source`.
  public init(_ source: any TensorSource, path: FilePath) {
    self.source = source
    self.path = path
  }

  /// Reads elements of a tensor as Float32.
  ///
  /// - Parameters:
  ///   - index: The tensor.
  ///   - byteOffset: Where in the tensor to start, a whole number of blocks in.
  ///   - target: As many floats as elements are wanted.
  /// - Throws: ``CheckpointError/notFinite(path:tensor:element:)`` if a value is infinite or NaN.
  public func widen(
    tensor index: Int,
    fromByte byteOffset: Int = 0,
    into target: UnsafeMutableBufferPointer<Float>
  ) throws {
    let tensor = source.tensors[index]
    let block = tensor.type.unitElements
    do {
      let blockBytes = try tensor.type.byteCount(shape: [block])
      // Pieces end where the chunks of a pack do, so that none is decoded twice.
      let pieceBytes = (1 << 20) / blockBytes * blockBytes
      var room = [UInt8](repeating: 0, count: min(pieceBytes, target.count / block * blockBytes))
      var done = 0
      while done < target.count {
        let elements = min(pieceBytes / blockBytes * block, target.count - done)
        let start = byteOffset + done / block * blockBytes
        let bytes = elements / block * blockBytes
        let part = UnsafeMutableBufferPointer(rebasing: target[done..<done + elements])
        try room.withUnsafeMutableBytes { raw in
          let piece = UnsafeMutableRawBufferPointer(rebasing: raw[..<bytes])
          try source.read(tensor: index, bytes: start..<start + bytes, into: piece)
          try tensor.type.widen(UnsafeRawBufferPointer(piece), into: part)
        }
        guard moepack_all_finite(part.baseAddress, part.count) != 0 else {
          let place = part.firstIndex { !$0.isFinite } ?? 0
          throw notFinite(index, element: start / blockBytes * block + place)
        }
        done += elements
      }
    } catch let error as TensorError {
      throw CheckpointError.wrongType(
        path: path,
        tensor: tensor.name,
        reason: error.description
      )
    }
  }

  /// Refuses a tensor that holds a value, or a scale of a block, which is infinite or no number.
  ///
  /// Stored bits are looked at, so that a large F64 counts as the number it is.
  ///
  /// - Parameter index: The tensor.
  /// - Throws: ``CheckpointError/notFinite(path:tensor:element:)``, of a block with the place of its
  ///   first element, or what reading throws.
  public func requireFinite(tensor index: Int) throws {
    let byteCount = source.tensors[index].byteCount
    let piece = 1 << 20
    var room = [UInt8](repeating: 0, count: min(piece, byteCount))
    for start in stride(from: 0, to: byteCount, by: piece) {
      let range = start..<min(start + piece, byteCount)
      try room.withUnsafeMutableBytes { raw in
        let part = UnsafeMutableRawBufferPointer(rebasing: raw[..<range.count])
        try readFinite(tensor: index, bytes: range, into: part)
      }
    }
  }

  /// Copies bytes of a tensor as they are, and refuses them if a value is infinite or no number.
  ///
  /// - Parameters:
  ///   - index: The tensor.
  ///   - range: Bytes relative to the tensor's first, whole elements.
  ///   - buffer: Room for exactly as many bytes.
  /// - Throws: ``CheckpointError/notFinite(path:tensor:element:)``, or what reading throws.
  public func readFinite(
    tensor index: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    try source.read(tensor: index, bytes: range, into: buffer)
    let bytes = UnsafeRawBufferPointer(buffer)
    if let element = source.tensors[index].type.firstNonFinite(in: bytes, at: range.lowerBound) {
      throw notFinite(index, element: element)
    }
  }

  private func notFinite(_ index: Int, element: Int) -> CheckpointError {
    let tensor = source.tensors[index]
    var rest = element
    let place = tensor.shape.reversed().map { size in
      defer { rest /= max(size, 1) }
      return rest % max(size, 1)
    }
    return .notFinite(path: path, tensor: tensor.name, element: place.reversed())
  }
}

extension Checkpoint {
  /// The values of its tensors.
  public var values: TensorValues { TensorValues(source, path: location.path) }

  /// Reads elements of a tensor as Float32; see ``TensorValues/widen(tensor:fromByte:into:)``.
  public func widen(
    tensor index: Int,
    fromByte byteOffset: Int = 0,
    into target: UnsafeMutableBufferPointer<Float>
  ) throws {
    try values.widen(tensor: index, fromByte: byteOffset, into: target)
  }
}
