internal import JSON
internal import Storage
public import SystemPackage
public import Tensors

/// Writes one safetensors file whose tensors are known beforehand.
///
/// Every offset is fixed when the writer is made, so parts may come in any order and from several
/// threads. Order and padding are the reference implementation's: by type in the order of its
/// table, wide types first, then by name, the header padded with spaces to a multiple of eight.
public final class SafetensorsWriter: Sendable {
  private let file: ReplacementFile
  private let ranges: [Range<Int>]

  /// The reference's `Dtype`, last first.
  private static let typeOrder: [ElementType] = [
    .u64, .i64, .f64, .c64, .f32, .u32, .i32, .bf16, .f16, .u16, .i16, .f8E5M2FNUZ, .f8E4M3FNUZ,
    .f8E8M0, .f8E4M3, .f8E5M2, .i8, .u8, .f6E3M2, .f6E2M3, .f4, .bool,
  ]
  private static let rankOfType = Dictionary(
    uniqueKeysWithValues: typeOrder.enumerated().map { ($1, $0) }
  )

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - destination: Where it will be.
  ///   - tensors: Its tensors, in any order.
  ///   - metadata: Pairs for its header.
  ///   - isResumable: Whether an earlier run's work file is gone on with and the own one kept.
  /// - Throws: ``SafetensorsError`` for what the format cannot say, `TensorError` if a size
  ///   overflows, `StorageError` if the work file cannot be made.
  public init(
    replacing destination: FilePath,
    tensors: [TensorLayout],
    metadata: [(key: String, value: String)] = [("format", "pt")],
    isResumable: Bool = false
  ) throws {
    var sizes: [Int] = []
    for tensor in tensors {
      guard tensor.type.isSafetensors else {
        throw SafetensorsError.notExpressible(
          file: destination,
          tensor: tensor.name,
          type: tensor.type.name
        )
      }
      sizes.append(try tensor.type.byteCount(shape: tensor.shape))
    }
    let order = tensors.indices.sorted { a, b in
      let (x, y) = (tensors[a], tensors[b])
      let (first, second) = (
        SafetensorsWriter.rankOfType[x.type] ?? .max, SafetensorsWriter.rankOfType[y.type] ?? .max
      )
      return first != second ? first < second : x.name.utf8.lexicographicallyPrecedes(y.name.utf8)
    }
    var header = JSONObject()
    if !metadata.isEmpty {
      var pairs = JSONObject()
      for (key, value) in metadata { pairs[key] = .string(value) }
      header["__metadata__"] = .object(pairs)
    }
    var offset = 0
    var offsets = [Range<Int>](repeating: 0..<0, count: tensors.count)
    for index in order {
      let end = offset + sizes[index]
      header[tensors[index].name] = [
        "dtype": .string(tensors[index].type.name), "shape": JSONValue(tensors[index].shape),
        "data_offsets": JSONValue([offset, end]),
      ]
      offsets[index] = offset..<end
      offset = end
    }
    var text = Array(JSONValue.object(header).text(pretty: false).utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    guard text.count <= SafetensorsHeader.byteLimit else {
      throw SafetensorsError.outputHeaderTooLarge(file: destination, byteCount: text.count)
    }
    var start = ByteWriter()
    start.append(UInt64(text.count))
    start.append(bytes: text)
    file = try ReplacementFile(replacing: destination, keeping: isResumable ? .all : .nothing)
    try file.write(start.bytes, at: 0)
    let dataStart = start.bytes.count
    ranges = offsets.map { $0.lowerBound + dataStart..<$0.upperBound + dataStart }
  }

  /// Writes part of the tensor at `index` of the layout.
  public func write(_ bytes: UnsafeRawBufferPointer, tensor index: Int, at offset: Int) throws {
    precondition(offset + bytes.count <= ranges[index].count)
    try file.write(bytes, at: ranges[index].lowerBound + offset)
  }

  /// Syncs what was written so far.
  public func sync() throws { try file.sync() }

  /// The checksum of the bytes that stand in the file for the tensors at `indices`.
  public func checksum(ofTensors indices: [Int]) throws -> UInt64 {
    var checksum = Checksum()
    var buffer: [UInt8] = []
    for index in indices {
      let range = ranges[index]
      if buffer.count < range.count { buffer = [UInt8](repeating: 0, count: range.count) }
      try buffer.withUnsafeMutableBytes { room in
        let bytes = UnsafeMutableRawBufferPointer(rebasing: room[..<range.count])
        try file.read(range, into: bytes)
        checksum.update(UnsafeRawBufferPointer(bytes))
      }
    }
    return checksum.value
  }

  /// Syncs the file and puts it in place.
  public func finish() throws { try file.finish() }
}
