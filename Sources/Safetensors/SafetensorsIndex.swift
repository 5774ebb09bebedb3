internal import JSON
internal import Storage
public import SystemPackage

/// `model.safetensors.index.json`: which shard holds which tensor.
public struct SafetensorsIndex: Sendable {
  /// Where the index is.
  public let path: FilePath
  /// Shards by name, ascending.
  public let shards: [String]
  /// Tensor names with the number of their shard in `shards`.
  public let places: [(tensor: String, shard: Int)]

  /// Reads and checks an index; `total_size` is informal and ignored.
  public init(reading path: FilePath) throws {
    self.path = path
    let text = try FileSystem.contents(of: path)
    var names: [UTF8Key: Int] = [:]
    var pairs: [(tensor: String, shard: Int)] = []
    var seen: Set<UTF8Key> = []
    var hasMap = false
    do {
      var scanner = JSONScanner(text)
      try scanner.object { scanner, key in
        guard key == "weight_map" else {
          try scanner.skipValue()
          return
        }
        if hasMap { throw scanner.failure("one weight_map") }
        hasMap = true
        try scanner.object { scanner, tensor in
          let shard = try scanner.string()
          guard SafetensorsIndex.isSafe(shard) else {
            throw SafetensorsError.unsafeShardName(file: path, shard: shard)
          }
          guard seen.insert(UTF8Key(tensor)).inserted else {
            throw SafetensorsError.duplicateName(file: path, name: tensor)
          }
          let number = names[UTF8Key(shard)] ?? names.count
          names[UTF8Key(shard)] = number
          pairs.append((tensor, number))
        }
      }
      try scanner.finish()
      if !hasMap { throw scanner.failure("a weight_map") }
    } catch let error as JSONError {
      throw SafetensorsError.malformedIndex(
        file: path,
        offset: error.offset,
        expected: error.expected
      )
    }
    let sorted = names.keys.map(\.string).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var renumbered = [Int](repeating: 0, count: names.count)
    for (number, name) in sorted.enumerated() { renumbered[names[UTF8Key(name)] ?? 0] = number }
    shards = sorted
    for place in pairs.indices { pairs[place].shard = renumbered[pairs[place].shard] }
    places = pairs
  }

  /// Whether `name` is the plain name of a safetensors file.
  static func isSafe(_ name: String) -> Bool {
    name.utf8.count > ".safetensors".utf8.count && name.hasSuffix(".safetensors")
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 < 0x20 }
  }
}
