public import SystemPackage
public import Tensors

/// The files that a model is written into: one, or splits as llama.cpp's `gguf-split` makes them.
public struct GGUFShardPlan: Sendable {
  /// How large a split may be.
  public struct Limits: Sendable, Equatable {
    /// Most bytes of tensors in a split, padding counted and metadata not; a larger tensor gets a
    /// split of its own.
    public var bytes: Int?
    /// Most tensors in a split.
    public var tensors: Int?
    /// Whether the first split has all metadata and no tensor.
    public var isFirstEmpty: Bool

    /// Limits of both kinds; without any, the model stays in one file.
    public init(bytes: Int? = nil, tensors: Int? = nil, isFirstEmpty: Bool = false) {
      self.bytes = bytes
      self.tensors = tensors
      self.isFirstEmpty = isFirstEmpty
    }
  }

  /// A file to be written.
  public struct Shard: Sendable {
    /// Where it will be.
    public let path: FilePath
    /// Places of its tensors in the list that was planned.
    public let tensors: [Int]
    /// Its bytes.
    public let layout: GGUFLayout
  }

  /// The files, in order.
  public let shards: [Shard]
  /// Names and sizes of the tensors that were planned.
  let tensors: [TensorLayout]

  /// Bytes of all files together.
  public var byteCount: Int { shards.reduce(0) { $0 + $1.layout.byteCount } }

  /// Plans one file, or splits filled in order.
  ///
  /// - Parameters:
  ///   - destination: The file. Splits have its name, without `.gguf`, before their numbers.
  ///   - metadata: All keys; how a source was split is left out. The first split has all of them, the
  ///     others what says how it is split, and the alignment.
  ///   - tensors: The tensors, in the order they are to have.
  ///   - limits: When to begin another split.
  /// - Throws: ``GGUFError`` for what the format cannot say.
  public init(
    destination: FilePath,
    metadata: GGUFMetadata,
    tensors: [TensorLayout],
    limits: Limits = Limits()
  ) throws {
    self.tensors = tensors
    var metadata = metadata
    for key in GGUFKey.split { metadata[key] = nil }
    // Rules for tensors are checked over all of them, those for files when each is laid out.
    let sizes = try GGUFLayout.checked(tensors, destination).map(\.byteCount)
    let alignment = try GGUFHeader.alignment(of: metadata, destination)
    let groups = GGUFShardPlan.groups(sizes.map { aligned($0, to: alignment) }, limits)
    guard groups.count > 1 else {
      let whole = try GGUFLayout(metadata: metadata, tensors: tensors, file: destination)
      shards = [Shard(path: destination, tensors: Array(tensors.indices), layout: whole)]
      return
    }
    guard groups.count <= GGUFLimits.splits else {
      throw GGUFError.cannotWrite(
        file: destination,
        what: "\(groups.count) splits",
        reason: "at most \(GGUFLimits.splits) can be counted; choose larger splits"
      )
    }
    var later = GGUFMetadata()
    later[GGUFKey.alignment] = metadata[GGUFKey.alignment]
    let prefix = GGUFShardPlan.prefix(destination)
    shards = try groups.enumerated().map { number, members in
      var keys = number == 0 ? metadata : later
      keys[GGUFKey.splitNumber] = .uint16(UInt16(number))
      // In this order by llama.cpp's tool, which sets the count last.
      keys[GGUFKey.splitTensorCount] = .int32(Int32(tensors.count))
      keys[GGUFKey.splitCount] = .uint16(UInt16(groups.count))
      let path = FilePath(prefix + GGUFSplitName.suffix(number, of: groups.count))
      return Shard(
        path: path,
        tensors: Array(members),
        layout: try GGUFLayout(metadata: keys, tensors: Array(tensors[members]), file: path)
      )
    }
  }

  /// Which tensors go together; `sizes` are their bytes with padding, each below 2^61.
  private static func groups(_ sizes: [Int], _ limits: Limits) -> [Range<Int>] {
    var groups: [Range<Int>] = limits.isFirstEmpty && !sizes.isEmpty ? [0..<0] : []
    var start = 0
    var filled = 0
    for (index, size) in sizes.enumerated() {
      let isFull =
        limits.bytes.map { filled > $0 - size } ?? false
        || limits.tensors.map { index - start >= max(1, $0) } ?? false
      if isFull, index > start {
        groups.append(start..<index)
        start = index
        filled = 0
      }
      // A file that comes to more is refused when it is laid out.
      filled = min(filled + size, Int.max / 2)
    }
    return groups + [start..<sizes.count]
  }

  /// Whether a path is named like a split, `NAME-00002-of-00005.gguf`: a whole file should not be.
  public static func isNameOfSplit(_ path: FilePath) -> Bool { GGUFSplitName(path) != nil }

  private static func prefix(_ destination: FilePath) -> String {
    let name = destination.string
    return name.hasSuffix(".gguf") ? String(name.dropLast(5)) : name
  }
}
