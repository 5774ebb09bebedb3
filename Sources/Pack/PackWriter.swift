public import JSON
internal import Parallelism
internal import Storage
public import SystemPackage
public import Tensors

/// Writes a pack in one pass, parts in the order they are added.
///
/// Workers read and encode chunks ahead, one writer appends them in order, so the bytes do not
/// depend on the number of threads. Nothing is at the destination before `finish`.
public final class PackWriter {
  /// Bytes of a part, asked for in pieces; called from several threads.
  public typealias Source = @Sendable (Range<Int>, UnsafeMutableRawBufferPointer) throws -> Void

  private let file: ReplacementFile
  private let threads: Int
  private var position = PackLayout.headerBytes
  private var parts: [PackPartRecord] = []
  private var chunks: [PackChunk] = []
  private var matrices: [PackMatrix] = []
  private var files: [PackFile] = []
  private var workers: [PackChunkWorker] = []
  private var names: [PackPartKind: Set<UTF8Key>] = [:]
  /// Parts an earlier run wrote, which come again in the same order.
  private let recorded: [PackPartRecord]
  private var vouched: (parts: Int, chunks: Int)

  /// Starts a pack.
  ///
  /// - Parameters:
  ///   - destination: Where it will be.
  ///   - threads: Threads to use.
  ///   - progress: What ``checkpoint()`` gave in a run that was killed, oldest first: the same parts
  ///     must be added again in the same order, and those that were written are not asked for. Nil
  ///     for a run that cannot be gone on with.
  /// - Throws: `StorageError` if the work file cannot be made or is not what the killed run left.
  public init(
    replacing destination: FilePath,
    threads: Int,
    resuming progress: [JSONValue]? = nil
  ) throws {
    self.threads = max(1, threads)
    let record = try progress.map { try PackProgress($0, destination) }
    file = try ReplacementFile(
      replacing: destination,
      keeping: record.map { .bytes($0.isEmpty ? 0 : $0.position) } ?? .nothing
    )
    recorded = record?.parts ?? []
    chunks = record?.chunks ?? []
    position = record?.position ?? PackLayout.headerBytes
    vouched = (recorded.count, chunks.count)
    try checkChunks()
  }

  /// Reads back what the killed run wrote.
  private func checkChunks() throws {
    var buffer: [UInt8] = []
    for chunk in chunks {
      if buffer.count < chunk.storedBytes {
        buffer = [UInt8](repeating: 0, count: chunk.storedBytes)
      }
      let hash = try buffer.withUnsafeMutableBytes { room in
        let bytes = UnsafeMutableRawBufferPointer(rebasing: room[..<chunk.storedBytes])
        try file.read(chunk.offset..<chunk.offset + chunk.storedBytes, into: bytes)
        return Checksum.of(UnsafeRawBufferPointer(bytes))
      }
      guard hash == chunk.hash else { throw StorageError.lostWorkFile(path: file.workPath) }
    }
  }

  /// Syncs what was added and describes what came since the last call, for `resuming`.
  ///
  /// - Returns: The record, nil if nothing came.
  /// - Throws: `StorageError` if syncing fails.
  public func checkpoint() throws -> JSONValue? {
    guard parts.count > vouched.parts else { return nil }
    try file.sync()
    let record = PackProgress.record(
      position: position,
      parts: parts[vouched.parts...],
      chunks: chunks[vouched.chunks...]
    )
    vouched = (parts.count, chunks.count)
    return record
  }

  /// Whether the next part is one that an earlier run wrote.
  public var isReplaying: Bool { parts.count < recorded.count }

  /// Bytes written so far.
  public var byteCount: Int { position }

  // MARK: - Parts

  /// Appends a tensor.
  ///
  /// - Parameters:
  ///   - layout: Its name, type and shape.
  ///   - byteCount: Its bytes; shape times type where the type is known.
  ///   - fileNumber: Number of the safetensors file it came from, for a lossless pack.
  ///   - source: Gives its bytes, in pieces and from several threads.
  /// - Returns: The number of its part and the bytes it takes in the pack.
  /// - Throws: ``PackError/cannotStore(file:name:reason:)`` if the name is taken or name or shape
  ///   are too long, `StorageError` if writing fails, and what `source` throws.
  @discardableResult
  public func addTensor(
    _ layout: TensorLayout,
    byteCount: Int,
    fileNumber: Int? = nil,
    source: Source
  ) throws -> (part: Int, storedBytes: Int) {
    try add(
      .tensor,
      layout.name,
      layout.type,
      layout.shape,
      file: fileNumber.map { UInt32($0) },
      byteCount: byteCount,
      source
    )
  }

  /// Appends a file that holds no weights.
  public func addFile(path: String, byteCount: Int, source: Source) throws {
    let part = try add(.file, path, .u8, [byteCount], file: nil, byteCount: byteCount, source).part
    files.append(PackFile(path: path, kind: .plain, part: part))
  }

  /// Appends the header of a file of weights; its tensors follow with the number returned.
  ///
  /// - Parameters:
  ///   - path: The file's path in the pack.
  ///   - kind: Its format.
  ///   - header: The text of a safetensors header; all bytes of a GGUF file before its data.
  /// - Returns: The file's number.
  /// - Throws: ``PackError`` for a name that cannot be stored, `StorageError` if writing fails.
  public func addWeights(path: String, kind: PackFile.Kind, header: [UInt8]) throws -> Int {
    let part = try add(
      .header,
      path,
      .u8,
      [header.count],
      file: nil,
      byteCount: header.count
    ) { range, buffer in
      header.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
      }
    }.part
    files.append(PackFile(path: path, kind: kind, part: part))
    return files.count - 1
  }

  /// Records how parts make a matrix.
  public func addMatrix(_ matrix: PackMatrix) { matrices.append(matrix) }

  private func add(
    _ kind: PackPartKind,
    _ name: String,
    _ type: ElementType,
    _ shape: [Int],
    file number: UInt32?,
    byteCount: Int,
    _ source: Source
  ) throws -> (part: Int, storedBytes: Int) {
    guard name.utf8.count <= Int(UInt16.max), shape.count <= 16, type.name.utf8.count <= 255 else {
      throw PackError.cannotStore(
        file: file.destination,
        name: name,
        reason: "its name or shape is too long"
      )
    }
    // A reader goes by names; an unknown type must not come back as a known one.
    guard ElementType(name: type.name) == type, !type.name.utf8.contains(0) else {
      throw PackError.cannotStore(
        file: file.destination,
        name: name,
        reason: "a pack cannot say that its element type is '\(type.name)'"
      )
    }
    guard kind == .tensor || byteCount <= PackLayout.contentLimit else {
      throw PackError.cannotStore(
        file: file.destination,
        name: name,
        reason: "\(byteCount) bytes are more than a pack takes for a file that is not weights"
      )
    }
    guard names[kind, default: []].insert(UTF8Key(name)).inserted else {
      throw PackError.cannotStore(
        file: file.destination,
        name: name,
        reason: "a pack cannot hold two of one name"
      )
    }
    if isReplaying { return try replay(kind, name, type, shape, byteCount: byteCount) }
    let firstChunk = chunks.count
    let hash = try encode(byteCount: byteCount, type: type, source)
    let written = chunks[firstChunk...]
    let start = written.first?.offset ?? PackLayout.headerBytes
    let end = written.last.map { $0.offset + $0.storedBytes } ?? PackLayout.headerBytes
    parts.append(
      PackPartRecord(
        kind: kind,
        name: name,
        type: type,
        shape: shape,
        file: number ?? PackLayout.noFile,
        byteCount: byteCount,
        firstChunk: firstChunk,
        chunkCount: written.count,
        start: start,
        end: end,
        hash: hash
      )
    )
    return (parts.count - 1, end - start)
  }

  /// Takes the next part as an earlier run wrote it.
  private func replay(
    _ kind: PackPartKind,
    _ name: String,
    _ type: ElementType,
    _ shape: [Int],
    byteCount: Int
  ) throws -> (part: Int, storedBytes: Int) {
    let part = recorded[parts.count]
    guard part.kind == kind, UTF8Key(part.name) == UTF8Key(name), part.type == type,
      part.shape == shape, part.byteCount == byteCount
    else { throw StorageError.lostWorkFile(path: file.workPath) }
    parts.append(part)
    return (parts.count - 1, part.end - part.start)
  }

  /// Most bytes that encoding takes, for parts of at most `largestPart` bytes.
  package static func encodingBytes(threads: Int, largestPart: Int) -> Int {
    min(2 * threads, largestPart / PackLayout.chunkBytes + 1) * 3 * PackLayout.chunkBytes
  }

  /// Encodes a part's chunks ahead and appends them in order; returns the hash of what was decoded.
  private func encode(byteCount: Int, type: ElementType, _ source: Source) throws -> UInt64 {
    let size = PackLayout.chunkBytes
    let count = (byteCount + size - 1) / size
    // One for each chunk that may be encoded and not yet written.
    while workers.count < min(2 * threads, count) { workers.append(try PackChunkWorker()) }
    let workers = workers
    var checksum = Checksum()
    try parallelInOrder(count: count, threads: threads) { index in
      let worker = workers[index % workers.count]
      try worker.encode(index * size..<min((index + 1) * size, byteCount), type: type, source)
      return worker
    } consume: { worker in
      worker.addDecoded(to: &checksum)
      try append(worker)
    }
    return checksum.value
  }

  private func append(_ worker: PackChunkWorker) throws {
    try padToAlignment()
    try file.write(worker.stored, at: position)
    chunks.append(
      PackChunk(
        offset: position,
        storedBytes: worker.stored.count,
        decodedBytes: worker.decodedBytes,
        codec: worker.codec,
        hash: worker.hash
      )
    )
    position += worker.stored.count
  }

  private func padToAlignment() throws {
    let padding = PackLayout.aligned(position) - position
    if padding > 0 {
      try file.write([UInt8](repeating: 0, count: padding), at: position)
      position += padding
    }
  }

  // MARK: - End

  /// Puts a sealed pack in place.
  func place() throws { try file.place() }

  /// Writes sections, footer and header and syncs: the pack is whole, and not yet in place.
  ///
  /// - Parameter model: The model section.
  /// - Returns: The checksum in the footer.
  /// - Throws: `StorageError` if writing or syncing fails.
  func seal(model: JSONValue) throws -> UInt64 {
    guard !isReplaying else { throw StorageError.lostWorkFile(path: file.workPath) }
    var features: UInt64 = 0
    if !matrices.isEmpty { features |= PackLayout.matrixTable }
    if model["layers"] != nil { features |= PackLayout.prunedExperts }
    if chunks.contains(where: \.codec.isCodedWords) { features |= PackLayout.codedWords }
    if files.contains(where: { $0.kind == .gguf }) { features |= PackLayout.ggufFile }
    var footer = ByteWriter()
    for section in [
      partsSection(), chunksSection(), matricesSection(), filesSection(),
      Array(model.text(pretty: false).utf8),
    ] {
      try padToAlignment()
      try file.write(section, at: position)
      footer.append(UInt64(position))
      footer.append(UInt64(section.count))
      footer.append(Checksum.of(section))
      position += section.count
    }
    try padToAlignment()
    footer.append(UInt64(parts.count))
    footer.append(UInt64(chunks.count))
    footer.append(UInt64(position + PackLayout.footerBytes))
    let checksum = Checksum.of(footer.bytes)
    footer.append(checksum)
    footer.append(bytes: PackLayout.magic)
    try file.write(footer.bytes, at: position)
    position += footer.bytes.count

    var header = ByteWriter()
    header.append(bytes: PackLayout.magic)
    header.append(PackLayout.major)
    header.append(PackLayout.minor)
    header.append(UInt32(PackLayout.headerBytes))
    header.append(features)
    header.append(UInt64(0))
    header.append(bytes: repeatElement(0, count: 24))
    header.append(Checksum.of(header.bytes))
    try file.write(header.bytes, at: 0)
    try file.sync()
    return checksum
  }

  private func partsSection() -> [UInt8] {
    var out = ByteWriter()
    for part in parts {
      out.append(part.kind.rawValue)
      out.append(UInt16(part.name.utf8.count))
      out.append(bytes: part.name.utf8)
      out.append(UInt8(part.type.name.utf8.count))
      out.append(bytes: part.type.name.utf8)
      out.append(UInt8(part.shape.count))
      for size in part.shape { out.append(UInt64(size)) }
      out.append(part.file)
      out.append(UInt64(part.byteCount))
      out.append(UInt64(part.firstChunk))
      out.append(UInt32(part.chunkCount))
      out.append(UInt64(part.start))
      out.append(UInt64(part.end))
      out.append(part.hash)
    }
    return out.bytes
  }

  private func chunksSection() -> [UInt8] {
    var out = ByteWriter()
    for chunk in chunks {
      out.append(UInt64(chunk.offset))
      out.append(UInt32(chunk.storedBytes))
      out.append(UInt32(chunk.decodedBytes))
      out.append(chunk.codec.rawValue)
      out.append(bytes: repeatElement(0, count: 7))
      out.append(chunk.hash)
    }
    return out.bytes
  }

  private func matricesSection() -> [UInt8] {
    var out = ByteWriter()
    for matrix in matrices {
      out.append(UInt32(matrix.layer))
      out.append(UInt32(matrix.expert))
      out.append(matrix.projection.rawValue)
      out.append(matrix.form.rawValue)
      out.append(UInt16(0))
      out.append(UInt32(matrix.rows))
      out.append(UInt32(matrix.columns))
      out.append(UInt8(matrix.parts.count))
      for part in matrix.parts { out.append(UInt32(part)) }
    }
    return out.bytes
  }

  private func filesSection() -> [UInt8] {
    var out = ByteWriter()
    for file in files {
      out.append(UInt16(file.path.utf8.count))
      out.append(bytes: file.path.utf8)
      out.append(file.kind.rawValue)
      out.append(UInt32(file.part))
    }
    return out.bytes
  }
}
