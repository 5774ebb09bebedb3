internal import JSON
public import Tensors

/// Safetensors files put together by hand, right or wrong.
public enum RawSafetensors {
  /// A file of this header and buffer; it states `claimed` as the header's length if that is given.
  public static func file(_ header: String, _ buffer: [UInt8] = [], claimed: UInt64? = nil)
    -> [UInt8]
  {
    file(headerBytes: Array(header.utf8), buffer, claimed: claimed)
  }

  /// A file whose header need not be text.
  public static func file(headerBytes: [UInt8], _ buffer: [UInt8] = [], claimed: UInt64? = nil)
    -> [UInt8]
  {
    [UInt8].littleEndian(claimed ?? UInt64(headerBytes.count)) + headerBytes + buffer
  }

  /// One tensor's entry in a header.
  public static func entry(_ name: String, _ type: String, _ shape: [Int], _ range: Range<Int>)
    -> String
  {
    let name = JSONValue.string(name).text(pretty: false)
    return """
      \(name):{"dtype":"\(type)","shape":\(shape),"data_offsets":[\(range.lowerBound),\
      \(range.upperBound)]}
      """
  }

  /// A valid file of these tensors in this order.
  public static func file(_ tensors: [RawTensor], metadata: String? = nil) -> [UInt8] {
    var entries = metadata.map { ["\"__metadata__\":\($0)"] } ?? []
    var buffer: [UInt8] = []
    for tensor in tensors {
      let range = buffer.count..<buffer.count + tensor.bytes.count
      entries.append(entry(tensor.name, tensor.type.name, tensor.shape, range))
      buffer += tensor.bytes
    }
    return file("{\(entries.joined(separator: ","))}", buffer)
  }
}

/// A tensor with its bytes.
public struct RawTensor: Sendable, Equatable {
  /// Its name.
  public var name: String
  /// How its elements are stored.
  public var type: ElementType
  /// Sizes, outermost first.
  public var shape: [Int]
  /// Its bytes.
  public var bytes: [UInt8]

  /// A tensor of given bytes.
  public init(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]) {
    self.name = name
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  /// A floating-point tensor of seeded weights.
  public init(
    _ name: String,
    _ type: ElementType,
    _ shape: [Int],
    using random: inout SeededRandom
  ) {
    self.init(name, type, shape, values: random.weights(shape.reduce(1, *)))
  }

  /// A floating-point tensor of these values.
  ///
  /// BF16 keeps the upper half of each word, which is enough for a test.
  public init(_ name: String, _ type: ElementType, _ shape: [Int], values: [Float]) {
    let bytes: [UInt8] =
      switch type {
      case .bf16: values.flatMap { [UInt8].littleEndian(UInt16($0.bitPattern >> 16)) }
      default: values.flatMap { [UInt8].littleEndian($0.bitPattern) }
      }
    self.init(name, type, shape, bytes)
  }
}
