/// GGUF files put together by hand, right or wrong.
public struct RawGGUF: Sendable {
  /// The first bytes.
  public var magic = Array("GGUF".utf8)
  /// The version.
  public var version: UInt32 = 3
  /// Pairs of key and value, each as its bytes.
  public var keys: [[UInt8]] = []
  /// Entries of the list of tensors, each as its bytes.
  public var tensors: [[UInt8]] = []
  /// What the data starts at a multiple of.
  public var alignment = 32
  /// The data.
  public var data: [UInt8] = []
  /// The number of keys that the file claims, where that is not the true one.
  public var claimedKeys: UInt64?
  /// The number of tensors that the file claims, where that is not the true one.
  public var claimedTensors: UInt64?

  /// A file without keys, tensors or data.
  public init() {}

  /// The whole file.
  public var bytes: [UInt8] {
    var bytes = magic + .littleEndian(version)
    bytes += .littleEndian(claimedTensors ?? UInt64(tensors.count))
    bytes += .littleEndian(claimedKeys ?? UInt64(keys.count))
    bytes += keys.joined()
    bytes += tensors.joined()
    guard !data.isEmpty || !tensors.isEmpty else { return bytes }
    while bytes.count % alignment != 0 { bytes.append(0) }
    return bytes + data
  }

  /// A string as it stands in a file; it states `claimed` as its length if that is given.
  public static func string(_ text: String, claimed: UInt64? = nil) -> [UInt8] {
    string(bytes: Array(text.utf8), claimed: claimed)
  }

  /// A string that need not be text.
  public static func string(bytes: [UInt8], claimed: UInt64? = nil) -> [UInt8] {
    .littleEndian(claimed ?? UInt64(bytes.count)) + bytes
  }

  /// A pair of a key, the number of a type, and the bytes of a value.
  public static func pair(_ key: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] {
    string(key) + .littleEndian(type) + value
  }

  /// A pair whose value is an array of so many elements.
  public static func array(_ key: String, of type: UInt32, _ count: UInt64, _ elements: [UInt8])
    -> [UInt8]
  {
    pair(key, 9, .littleEndian(type) + .littleEndian(count) + elements)
  }

  /// A pair whose value is an unsigned number of 32 bits.
  public static func pair(_ key: String, _ value: UInt32) -> [UInt8] {
    pair(key, 4, .littleEndian(value))
  }

  /// A pair whose value is text.
  public static func pair(_ key: String, _ value: String) -> [UInt8] { pair(key, 8, string(value)) }

  /// An entry of the list of tensors, sizes innermost first.
  public static func tensor(
    _ name: String,
    _ sizes: [Int64],
    type: Int32 = 0,
    at offset: UInt64 = 0,
    axes: UInt32? = nil
  ) -> [UInt8] {
    string(name) + .littleEndian(axes ?? UInt32(sizes.count))
      + sizes.flatMap { [UInt8].littleEndian($0) } + .littleEndian(type) + .littleEndian(offset)
  }

  /// A sound file of tensors of `F32`, one after another, whose bytes count upwards.
  public static func sound(_ shapes: [(name: String, sizes: [Int64])], keys: [[UInt8]] = [])
    -> RawGGUF
  {
    var file = RawGGUF()
    file.keys = [pair("general.architecture", "test")] + keys
    for (name, sizes) in shapes {
      file.tensors.append(tensor(name, sizes, at: UInt64(file.data.count)))
      for _ in 0..<4 * Int(sizes.reduce(1, *)) { file.data.append(UInt8(file.data.count & 0xFF)) }
      while file.data.count % 32 != 0 { file.data.append(0) }
    }
    return file
  }

  /// The keys of split `number`, from zero.
  public static func splitKeys(_ number: UInt16, of count: UInt16, tensors: Int32) -> [[UInt8]] {
    [
      pair("split.no", 2, .littleEndian(number)), pair("split.count", 2, .littleEndian(count)),
      pair("split.tensors.count", 5, .littleEndian(tensors)),
    ]
  }
}
