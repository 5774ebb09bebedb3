public import JSON
internal import Storage
internal import Synchronization
public import SystemPackage
public import Tensors

/// An opened pack.
///
/// Opening checks header, footer and all sections but the chunks, and reads no chunk.
public final class PackReader: TensorSource {
  /// Where the pack is.
  public let path: FilePath
  /// Its tensors, in the order they were written.
  public let tensors: [TensorDescriptor]
  /// Matrices that are not simply their source tensor; `parts` are positions in `tensors`.
  public let matrices: [PackMatrix]
  /// The files it holds.
  public let files: [PackFile]
  /// The model section.
  public let model: JSONValue
  /// The size of the file.
  public var byteCount: Int { file.byteCount }

  let file: MappedFile
  let index: PackIndex
  /// The part of each tensor.
  private let partOfTensor: [Int]
  private let chunkTable = Mutex<[PackChunk]?>(nil)

  /// Opens `path`.
  public init(_ path: FilePath) throws {
    self.path = path
    file = try MappedFile(path)
    let index = try PackIndex(reading: file)
    self.index = index
    var tensors: [TensorDescriptor] = []
    var partOfTensor: [Int] = []
    var tensorOfPart: [Int: Int] = [:]
    for (number, part) in index.parts.enumerated() where part.kind == .tensor {
      tensorOfPart[number] = tensors.count
      partOfTensor.append(number)
      tensors.append(
        TensorDescriptor(
          name: part.name,
          type: part.type,
          shape: part.shape,
          fileIndex: 0,
          fileRange: part.start..<part.end,
          byteCount: part.byteCount
        )
      )
    }
    self.tensors = tensors
    self.partOfTensor = partOfTensor
    matrices = index.matrices.map { matrix in
      var matrix = matrix
      matrix.parts = matrix.parts.compactMap { tensorOfPart[$0] }
      return matrix
    }
    files = index.files
    model = index.model
  }

  /// Whether this is a plain checkpoint packed without loss.
  public var isLossless: Bool { model["kind"]?.string != "compressed" }

  /// Copies bytes of a tensor, decoding what is needed.
  public func read(
    tensor number: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    try read(part: index.parts[partOfTensor[number]], bytes: range, into: buffer)
  }

  /// The content of a plain file, or the header of a file of weights.
  public func contents(of packFile: PackFile) throws -> [UInt8] {
    let part = index.parts[packFile.part]
    // Sizes are only claims until the chunks were seen to add up to them.
    _ = try chunks()
    return try [UInt8](unsafeUninitializedCapacity: part.byteCount) { buffer, count in
      try read(part: part, bytes: 0..<part.byteCount, into: UnsafeMutableRawBufferPointer(buffer))
      count = part.byteCount
    }
  }

  /// The content of the plain file at `path` inside the pack, or nil.
  public func contents(ofFile path: String) throws -> [UInt8]? {
    guard let file = files.first(where: { $0.path == path && $0.kind == .plain }) else {
      return nil
    }
    return try contents(of: file)
  }

  /// Size of a plain file, or of the header of a file of weights.
  public func contentByteCount(of packFile: PackFile) -> Int {
    index.parts[packFile.part].byteCount
  }

  /// Positions in `tensors` of what belongs to the file of weights at `fileNumber`, by offset.
  public func tensors(ofFile fileNumber: Int) -> [Int] {
    tensors.indices.filter { index.parts[partOfTensor[$0]].file == UInt32(fileNumber) }
  }

  // MARK: - Chunks

  func chunks() throws -> [PackChunk] {
    try chunkTable.withLock { table in
      if let table { return table }
      let chunks = try index.readChunks()
      table = chunks
      return chunks
    }
  }

  func read(
    part: PackIndex.Part,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    precondition(buffer.count == range.count && range.upperBound <= part.byteCount)
    guard !range.isEmpty else { return }
    let decoder = PackDecoder()
    let all = try chunks()
    var start = 0
    for number in part.firstChunk..<part.firstChunk + part.chunkCount {
      let chunk = all[number]
      let end = start + chunk.decodedBytes
      defer { start = end }
      guard end > range.lowerBound else { continue }
      guard start < range.upperBound else { break }
      let wanted = max(start, range.lowerBound)..<min(end, range.upperBound)
      let target = UnsafeMutableRawBufferPointer(
        rebasing: buffer[
          wanted.lowerBound - range.lowerBound..<wanted.upperBound - range.lowerBound
        ]
      )
      if wanted.count == chunk.decodedBytes {
        try decode(number, chunk, of: part, with: decoder, into: target)
      } else {
        var whole = [UInt8](repeating: 0, count: chunk.decodedBytes)
        try whole.withUnsafeMutableBytes { room in
          try decode(number, chunk, of: part, with: decoder, into: room)
          target.copyMemory(
            from: UnsafeRawBufferPointer(
              rebasing: room[wanted.lowerBound - start..<wanted.upperBound - start]
            )
          )
        }
      }
    }
  }

  func decode(
    _ number: Int,
    _ chunk: PackChunk,
    of part: PackIndex.Part,
    with decoder: PackDecoder,
    into target: UnsafeMutableRawBufferPointer
  ) throws {
    let stored = try file.bytes(chunk.offset..<chunk.offset + chunk.storedBytes)
    guard Checksum.of(stored) == chunk.hash else {
      throw PackError.damaged(file: path, place: "chunk \(number) of '\(part.name)'")
    }
    do {
      try stored.withUnsafeBytes { try decoder.decode($0, codec: chunk.codec, into: target) }
    } catch let problem as ChunkProblem {
      throw PackError.malformed(
        file: path,
        place: "chunk \(number) of '\(part.name)'",
        reason: problem.reason
      )
    }
  }
}
