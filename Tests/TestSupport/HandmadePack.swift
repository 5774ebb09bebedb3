/// A pack by Formats/moepack.md, put together or taken apart by means of its own.
///
/// A test can change one number and make every hash fit again.
public struct HandmadePack: Sendable {
  /// A record of the parts section.
  public struct Part: Sendable {
    /// 0 tensor, 1 file, 2 header.
    public var kind: UInt8 = 0
    /// Its name, which need not be UTF-8.
    public var name: [UInt8]
    /// The name of its element type.
    public var type: [UInt8]
    /// Sizes, outermost first.
    public var shape: [UInt64]
    /// Number of its safetensors file.
    public var file: UInt32 = .max
    /// Decoded bytes.
    public var byteCount: UInt64
    /// Number of its first chunk.
    public var firstChunk: UInt64
    /// How many chunks it has.
    public var chunkCount: UInt32
    /// Offset of its first chunk.
    public var start: UInt64
    /// End of its last chunk.
    public var end: UInt64
    /// Hash of the decoded bytes.
    public var hash: UInt64
  }

  /// A record of the chunks section.
  public struct Chunk: Sendable {
    /// Where it lies.
    public var offset: UInt64
    /// Its length in the file.
    public var storedBytes: UInt32
    /// Its length in memory.
    public var decodedBytes: UInt32
    /// How it is coded.
    public var codec: UInt8
    /// Seven bytes that should be zero.
    public var zeros = [UInt8](repeating: 0, count: 7)
    /// Hash of the stored bytes.
    public var hash: UInt64
  }

  /// Bytes 0 to 55; the hash behind them is made anew.
  public var header: [UInt8]
  /// From byte 64 to the first section.
  public var body: [UInt8]
  /// Records of the parts section.
  public var parts: [Part]
  /// Records of the chunks section.
  public var chunks: [Chunk]
  /// The matrices section.
  public var matrices: [UInt8]
  /// The files section.
  public var files: [UInt8]
  /// The model section.
  public var model: [UInt8]
  /// What to do to the first 144 bytes of the footer before they are hashed.
  public var alterFooter: @Sendable (inout [UInt8]) -> Void = { _ in }
  /// Bytes put behind the parts section's records.
  public var partsTail: [UInt8] = []

  private let hash: @Sendable ([UInt8]) -> UInt64

  /// What a pack starts and ends with.
  public static let magic: [UInt8] = [0x89, 0x4D, 0x4F, 0x45, 0x0D, 0x0A, 0x1A, 0x0A]

  // MARK: - Making

  /// A pack that holds nothing yet.
  ///
  /// - Parameter hash: XXH64, which this module does not have.
  public init(hash: @escaping @Sendable ([UInt8]) -> UInt64) {
    self.hash = hash
    header = HandmadePack.magic + [1, 0, 0, 0, 64, 0, 0, 0] + [UInt8](repeating: 0, count: 40)
    (body, parts, chunks, matrices, files) = ([], [], [], [], [])
    model = Array(#"{"kind":"lossless"}"#.utf8)
  }

  /// Appends a chunk; `hash` is of what is stored.
  public mutating func addChunk(_ stored: [UInt8], decodedBytes: Int, codec: UInt8) {
    while body.count % 8 != 0 { body.append(0) }
    chunks.append(
      Chunk(
        offset: UInt64(64 + body.count),
        storedBytes: UInt32(stored.count),
        decodedBytes: UInt32(decodedBytes),
        codec: codec,
        hash: hash(stored)
      )
    )
    body += stored
  }

  /// Appends a part of `decoded` bytes, stored as they are unless stored bytes are given.
  public mutating func add(
    _ name: String,
    _ type: String,
    _ shape: [Int],
    _ decoded: [UInt8],
    kind: UInt8 = 0,
    file: UInt32 = .max,
    stored: [UInt8]? = nil,
    codec: UInt8 = 0
  ) {
    let first = chunks.count
    if !decoded.isEmpty { addChunk(stored ?? decoded, decodedBytes: decoded.count, codec: codec) }
    let own = chunks[first...]
    parts.append(
      Part(
        kind: kind,
        name: Array(name.utf8),
        type: Array(type.utf8),
        shape: shape.map { UInt64($0) },
        file: file,
        byteCount: UInt64(decoded.count),
        firstChunk: UInt64(first),
        chunkCount: UInt32(own.count),
        start: own.first?.offset ?? 64,
        end: own.last.map { $0.offset + UInt64($0.storedBytes) } ?? 64,
        hash: hash(decoded)
      )
    )
  }

  /// Appends a record of the files section.
  public mutating func addFile(_ path: String, kind: UInt8, part: Int) {
    files += .littleEndian(UInt16(path.utf8.count)) + Array(path.utf8) + [kind]
    files += .littleEndian(UInt32(part))
  }

  /// Appends a record of the matrices section.
  public mutating func addMatrix(
    layer: UInt32 = 0,
    expert: UInt32 = 0,
    projection: UInt8 = 0,
    form: UInt8,
    rows: UInt32,
    columns: UInt32,
    parts numbers: [UInt32],
    parameters: [UInt8] = []
  ) {
    matrices += .littleEndian(layer) + .littleEndian(expert) + [projection, form]
    matrices += .littleEndian(UInt16(parameters.count)) + parameters
    matrices += .littleEndian(rows) + .littleEndian(columns) + [UInt8(numbers.count)]
    for number in numbers { matrices += .littleEndian(number) }
  }

  // MARK: - Taking apart

  /// Takes a sound pack apart.
  public init(_ bytes: [UInt8], hash: @escaping @Sendable ([UInt8]) -> UInt64) {
    self.hash = hash
    let ranges = HandmadePack.sections(of: bytes)
    header = Array(bytes[..<56])
    body = Array(bytes[64..<ranges[0].lowerBound])
    matrices = Array(bytes[ranges[2]])
    files = Array(bytes[ranges[3]])
    model = Array(bytes[ranges[4]])
    chunks =
      ranges[1].isEmpty
      ? []
      : stride(
        from: ranges[1].lowerBound,
        to: ranges[1].upperBound,
        by: 32
      ).map { place in
        Chunk(
          offset: bytes.integer(at: place),
          storedBytes: bytes.integer(at: place + 8),
          decodedBytes: bytes.integer(at: place + 12),
          codec: bytes[place + 16],
          hash: bytes.integer(at: place + 24)
        )
      }
    parts = []
    var place = ranges[0].lowerBound
    func take(_ count: Int) -> Int {
      place += count
      return place - count
    }
    while place < ranges[0].upperBound {
      let kind = bytes[take(1)]
      let nameLength = Int(bytes.integer(UInt16.self, at: take(2)))
      let name = take(nameLength)
      let typeLength = Int(bytes[take(1)])
      let type = take(typeLength)
      let axes = Int(bytes[take(1)])
      let shape = (0..<axes).map { _ in bytes.integer(UInt64.self, at: take(8)) }
      parts.append(
        Part(
          kind: kind,
          name: Array(bytes[name..<name + nameLength]),
          type: Array(bytes[type..<type + typeLength]),
          shape: shape,
          file: bytes.integer(at: take(4)),
          byteCount: bytes.integer(at: take(8)),
          firstChunk: bytes.integer(at: take(8)),
          chunkCount: bytes.integer(at: take(4)),
          start: bytes.integer(at: take(8)),
          end: bytes.integer(at: take(8)),
          hash: bytes.integer(at: take(8))
        )
      )
    }
  }

  /// Where the five sections of a sound pack lie.
  public static func sections(of bytes: [UInt8]) -> [Range<Int>] {
    (0..<5).map { number in
      let record = bytes.count - 160 + 24 * number
      let offset = Int(bytes.integer(UInt64.self, at: record))
      return offset..<offset + Int(bytes.integer(UInt64.self, at: record + 8))
    }
  }

  // MARK: - Putting together

  /// The file, all hashes and offsets of sections as they must be.
  public func bytes() -> [UInt8] {
    var out = header + .littleEndian(hash(header)) + body
    var footer: [UInt8] = []
    for section in [partsSection, chunksSection, matrices, files, model] {
      while out.count % 8 != 0 { out.append(0) }
      footer += .littleEndian(UInt64(out.count)) + .littleEndian(UInt64(section.count))
      footer += .littleEndian(hash(section))
      out += section
    }
    while out.count % 8 != 0 { out.append(0) }
    footer += .littleEndian(UInt64(parts.count)) + .littleEndian(UInt64(chunks.count))
    footer += .littleEndian(UInt64(out.count + 160))
    alterFooter(&footer)
    return out + footer + .littleEndian(hash(footer)) + HandmadePack.magic
  }

  private var partsSection: [UInt8] {
    parts.flatMap { part -> [UInt8] in
      var out: [UInt8] = [part.kind]
      out += .littleEndian(UInt16(part.name.count)) + part.name
      out += [UInt8(part.type.count)] + part.type
      out += [UInt8(part.shape.count)] + part.shape.flatMap { [UInt8].littleEndian($0) }
      out += .littleEndian(part.file) + .littleEndian(part.byteCount)
      out += .littleEndian(part.firstChunk) + .littleEndian(part.chunkCount)
      return out + .littleEndian(part.start) + .littleEndian(part.end) + .littleEndian(part.hash)
    } + partsTail
  }

  private var chunksSection: [UInt8] {
    chunks.flatMap { chunk -> [UInt8] in
      var out: [UInt8] = .littleEndian(chunk.offset) + .littleEndian(chunk.storedBytes)
      out += .littleEndian(chunk.decodedBytes) + [chunk.codec] + chunk.zeros
      return out + .littleEndian(chunk.hash)
    }
  }
}
