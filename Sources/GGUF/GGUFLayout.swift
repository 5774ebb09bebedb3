internal import JSON
public import SystemPackage
public import Tensors

/// One GGUF file to be written: every byte before its data, and where every tensor goes.
public struct GGUFLayout: Sendable {
  /// All bytes before the data, padding included.
  public let header: [UInt8]
  /// Where each tensor goes, from the start of the file.
  public let ranges: [Range<Int>]
  /// What every tensor starts at a multiple of.
  public let alignment: Int
  /// Bytes of the whole file; the last tensor is padded, too.
  public let byteCount: Int

  /// Plans a file of version 3: tensors in the order given, each right behind the padding of the one
  /// before.
  ///
  /// - Parameters:
  ///   - metadata: Its keys, written in order and with the types they have; `general.alignment`
  ///     decides on the alignment, which is 32 without it.
  ///   - tensors: Its tensors.
  ///   - file: Where it will be, for errors.
  /// - Throws: ``GGUFError`` for what the format, or a reader of it, would refuse.
  public init(metadata: GGUFMetadata, tensors: [TensorLayout], file: FilePath) throws {
    alignment = try GGUFHeader.alignment(of: metadata, file)
    try GGUFLayout.check(metadata, file)
    guard tensors.count <= GGUFLimits.tensors else {
      throw GGUFLayout.cannot(
        file,
        "\(tensors.count) tensors",
        "at most \(GGUFLimits.tensors) are accepted in a file; write splits of fewer"
          + " (--split-max-tensors)"
      )
    }
    let list = try GGUFLayout.checked(tensors, file)
    var bytes = GGUFBytes()
    bytes.append("GGUF".utf8)
    bytes.append(UInt32(3))
    bytes.append(UInt64(tensors.count))
    bytes.append(UInt64(metadata.count))
    for (key, value) in metadata {
      bytes.append(string: key)
      bytes.append(value)
    }
    var end = 0
    for (tensor, (type, size)) in zip(tensors, list) {
      bytes.append(string: tensor.name)
      bytes.append(UInt32(tensor.shape.count))
      for axis in tensor.shape.reversed() { bytes.append(UInt64(axis)) }
      bytes.append(type.id)
      bytes.append(UInt64(end))
      let (next, overflow) = end.addingReportingOverflow(size)
      // Room for the padding, the header and more.
      guard !overflow, next < Int.max / 2 else {
        throw GGUFLayout.cannot(
          file,
          "tensor '\(tensor.name)'",
          "the file would be too large; write splits (--split-max-size)"
        )
      }
      end = aligned(next, to: alignment)
    }
    bytes.pad(to: alignment)
    guard bytes.content.count <= GGUFLimits.headerBytes else {
      throw GGUFLayout.cannot(
        file,
        "\(bytes.content.count) bytes before the data",
        "at most \(GGUFLimits.headerBytes) are accepted; write splits of fewer tensors"
          + " (--split-max-tensors), or fewer keys"
      )
    }
    header = bytes.content
    byteCount = header.count + end
    var ranges: [Range<Int>] = []
    var start = header.count
    for (_, size) in list {
      ranges.append(start..<start + size)
      start = aligned(start + size, to: alignment)
    }
    self.ranges = ranges
  }

  /// Where the zeros behind a tensor stand; empty if it ends at a multiple of the alignment.
  func padding(behind tensor: Int) -> Range<Int> {
    let end = ranges[tensor].upperBound
    return end..<aligned(end, to: alignment)
  }

  // MARK: - Rules

  private static func check(_ metadata: GGUFMetadata, _ file: FilePath) throws(GGUFError) {
    guard metadata.count <= GGUFLimits.keys else {
      throw cannot(file, "\(metadata.count) keys", "at most \(GGUFLimits.keys) are accepted")
    }
    for (key, value) in metadata {
      if let reason = GGUFHeader.flaw(inKey: key) {
        throw cannot(file, "the key '\(key)'", "it \(reason)")
      }
      guard key.utf8.count <= GGUFLimits.keyBytes else {
        throw cannot(
          file,
          "the key '\(key.prefix(40))…'",
          "it has \(key.utf8.count) bytes, at most \(GGUFLimits.keyBytes) are possible"
        )
      }
      let longest: Int
      switch value {
      case .string(let text): longest = text.utf8.count
      case .array(let array):
        guard array.count <= GGUFLimits.arrayElements else {
          throw cannot(
            file,
            "the value of '\(key)'",
            "it has \(array.count) elements, at most \(GGUFLimits.arrayElements) are accepted"
          )
        }
        longest = array.longestString
      default: longest = 0
      }
      guard longest <= GGUFLimits.stringBytes else {
        throw cannot(
          file,
          "the value of '\(key)'",
          "a string of \(longest) bytes, at most \(GGUFLimits.stringBytes) are accepted"
        )
      }
    }
  }

  /// Types and bytes of tensors, which may go into one file or several.
  ///
  /// - Parameters:
  ///   - tensors: The tensors.
  ///   - file: For errors.
  /// - Returns: As many, in order; bytes are below 2^60, for their bits can be counted.
  /// - Throws: ``GGUFError`` for a tensor that the format cannot say, or a name given twice.
  static func checked(_ tensors: [TensorLayout], _ file: FilePath) throws(GGUFError)
    -> [(type: GGUFElementType, byteCount: Int)]
  {
    var names: Set<UTF8Key> = []
    var list: [(type: GGUFElementType, byteCount: Int)] = []
    list.reserveCapacity(tensors.count)
    for tensor in tensors {
      let type = try check(tensor, file)
      guard names.insert(UTF8Key(tensor.name)).inserted else {
        throw .duplicateTensor(file: file, offset: nil, tensor: tensor.name)
      }
      let size: Int
      do { size = try type.elementType.byteCount(shape: tensor.shape) } catch {
        throw .invalidTensor(
          file: file,
          offset: nil,
          tensor: tensor.name,
          reason: error.description
        )
      }
      list.append((type, size))
    }
    return list
  }

  private static func check(_ tensor: TensorLayout, _ file: FilePath) throws(GGUFError)
    -> GGUFElementType
  {
    let what = "tensor '\(tensor.name)'"
    guard tensor.name.utf8.count <= GGUFLimits.nameBytes else {
      throw cannot(
        file,
        what,
        "its name has \(tensor.name.utf8.count) bytes, at most \(GGUFLimits.nameBytes) are possible"
      )
    }
    guard !tensor.name.utf8.contains(0) else { throw cannot(file, what, "its name contains a NUL") }
    guard tensor.shape.count <= GGUFLimits.axes else {
      throw cannot(
        file,
        what,
        "it has \(tensor.shape.count) axes, at most \(GGUFLimits.axes) are possible"
      )
    }
    guard let type = GGUFElementType(name: tensor.type.name) else {
      throw .notExpressible(file: file, tensor: tensor.name, type: tensor.type.name)
    }
    return type
  }

  private static func cannot(_ file: FilePath, _ what: String, _ reason: String) -> GGUFError {
    .cannotWrite(file: file, what: what, reason: reason)
  }
}

/// Collects the bytes of a header.
private struct GGUFBytes {
  private(set) var content: [UInt8] = []

  mutating func append(_ bytes: some Sequence<UInt8>) { content += bytes }

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { content += $0 }
  }

  mutating func append(string: String) {
    append(UInt64(string.utf8.count))
    content += string.utf8
  }

  /// Appends a value with its type before it.
  mutating func append(_ value: GGUFValue) {
    append(value.type.rawValue)
    switch value {
    case .uint8(let value): append(value)
    case .int8(let value): append(value)
    case .uint16(let value): append(value)
    case .int16(let value): append(value)
    case .uint32(let value): append(value)
    case .int32(let value): append(value)
    case .uint64(let value): append(value)
    case .int64(let value): append(value)
    case .float32(let value): append(value.bitPattern)
    case .float64(let value): append(value.bitPattern)
    case .bool(let value): append(UInt8(value ? 1 : 0))
    case .string(let value): append(string: value)
    case .array(let array):
      append(array.elementType.rawValue)
      append(UInt64(array.count))
      guard array.elementType == .string else {
        content += array.bytes
        return
      }
      for index in array.indices {
        let text = array.utf8(at: index)
        append(UInt64(text.count))
        content += text
      }
    }
  }

  mutating func pad(to alignment: Int) {
    content += [UInt8](repeating: 0, count: aligned(content.count, to: alignment) - content.count)
  }
}
