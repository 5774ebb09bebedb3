internal import JSON
internal import Storage
internal import SystemPackage
internal import Tensors

/// The sections of a pack, parsed and checked; chunks are read when values are first asked for.
struct PackIndex {
  struct Part {
    var kind: PackPartKind
    var name: String
    var type: ElementType
    var shape: [Int]
    var file: UInt32
    var byteCount: Int
    var firstChunk: Int
    var chunkCount: Int
    var start: Int
    var end: Int
    var hash: UInt64
  }

  private(set) var parts: [Part] = []
  private(set) var matrices: [PackMatrix] = []
  private(set) var files: [PackFile] = []
  private(set) var model: JSONValue = [:]
  private(set) var chunkSection: Range<Int> = 0..<0
  private(set) var chunkSectionHash: UInt64 = 0
  private(set) var chunkCount = 0
  private var features: UInt64 = 0
  /// Where the chunks end and sections begin.
  private(set) var bodyEnd = 0
  /// Ranges between sections that must be zero.
  private(set) var gaps: [Range<Int>] = []

  private let file: MappedFile
  private var path: FilePath { file.path }

  init(reading file: MappedFile) throws {
    self.file = file
    guard file.byteCount >= 8, try file.bytes(0..<8) == PackLayout.magic else {
      throw PackError.notAPack(file: file.path)
    }
    guard file.byteCount >= PackLayout.headerBytes + PackLayout.footerBytes else {
      throw PackError.incomplete(
        file: file.path,
        reason: "\(file.byteCount) bytes are no whole pack"
      )
    }
    try readHeader()
    let sections = try readFooter()
    let partsText = try section(0, of: sections)
    chunkSection = sections[1].range
    chunkSectionHash = sections[1].hash
    try checkGaps()
    try parseParts(partsText.bytes, expected: partsText.count)
    try parseMatrices(section(2, of: sections).bytes)
    try parseFiles(section(3, of: sections).bytes)
    guard sections[4].range.count <= PackLayout.modelLimit else {
      throw malformed(
        "footer",
        "\(sections[4].range.count) bytes are more than a model section has"
      )
    }
    do { model = try JSONValue(parsing: section(4, of: sections).bytes) } catch let error
      as JSONError
    {
      throw malformed("model section", error.description)
    }
  }

  // MARK: - Header and footer

  private mutating func readHeader() throws {
    let bytes = try file.bytes(0..<PackLayout.headerBytes)
    var reader = ByteReader(bytes)
    _ = try reader.take(8)
    let major = try reader.integer(UInt16.self)
    _ = try reader.integer(UInt16.self)
    let length = try reader.integer(UInt32.self)
    let required = try reader.integer(UInt64.self)
    _ = try reader.integer(UInt64.self)
    let zeros = try reader.take(24)
    let hash = try reader.integer(UInt64.self)
    guard hash == Checksum.of(Array(bytes[..<56])) else {
      throw PackError.damaged(file: path, place: "header")
    }
    guard major == PackLayout.major else { throw PackError.version(file: path, major: Int(major)) }
    guard required & ~PackLayout.knownFeatures == 0 else {
      throw PackError.features(file: path, unknown: required & ~PackLayout.knownFeatures)
    }
    features = required
    guard length == PackLayout.headerBytes, zeros.allSatisfy({ $0 == 0 }) else {
      throw malformed("header", "its length or its reserved bytes are not as stated")
    }
  }

  private typealias Section = (range: Range<Int>, hash: UInt64)

  private mutating func readFooter() throws -> [Section] {
    let start = file.byteCount - PackLayout.footerBytes
    let bytes = try file.bytes(start..<file.byteCount)
    guard Array(bytes[152...]) == PackLayout.magic else {
      throw PackError.incomplete(file: path, reason: "the file does not end as a pack does")
    }
    var reader = ByteReader(bytes)
    var raw: [(UInt64, UInt64, UInt64)] = []
    for _ in PackLayout.sectionNames {
      raw.append((try reader.integer(), try reader.integer(), try reader.integer()))
    }
    let partCount = try reader.integer(UInt64.self)
    let chunks = try reader.integer(UInt64.self)
    let fileLength = try reader.integer(UInt64.self)
    guard try reader.integer(UInt64.self) == Checksum.of(Array(bytes[..<144])) else {
      throw PackError.damaged(file: path, place: "footer")
    }
    guard fileLength == UInt64(file.byteCount) else {
      throw PackError.incomplete(
        file: path,
        reason: "\(file.byteCount) bytes, but \(fileLength) were written"
      )
    }
    var sections: [Section] = []
    var position: Int?
    for (number, (offset, length, hash)) in raw.enumerated() {
      let name = PackLayout.sectionNames[number]
      guard length <= UInt64(PackLayout.sectionLimit), offset >= UInt64(PackLayout.headerBytes),
        offset % UInt64(PackLayout.alignment) == 0, offset <= UInt64(start),
        length <= UInt64(start) - offset
      else { throw malformed("footer", "the \(name) section does not lie in the file") }
      let range = Int(offset)..<Int(offset) + Int(length)
      if let position {
        guard range.lowerBound == PackLayout.aligned(position) else {
          throw malformed("footer", "the \(name) section is out of place")
        }
        gaps.append(position..<range.lowerBound)
      } else {
        bodyEnd = range.lowerBound
      }
      position = range.upperBound
      sections.append((range, hash))
    }
    let end = position ?? 0
    guard PackLayout.aligned(end) == start else {
      throw malformed("footer", "the sections do not end at the footer")
    }
    gaps.append(end..<start)
    guard chunks <= UInt64(sections[1].range.count / PackLayout.chunkRecordBytes),
      Int(chunks) * PackLayout.chunkRecordBytes == sections[1].range.count
    else { throw malformed("footer", "\(chunks) chunks do not fill their section") }
    // Every part takes at least 52 bytes, so the count cannot make us allocate more than the section.
    guard partCount <= UInt64(sections[0].range.count / 52) else {
      throw malformed("footer", "\(partCount) parts do not fit their section")
    }
    chunkCount = Int(chunks)
    partsExpected = Int(partCount)
    return sections
  }

  private var partsExpected = 0

  private func section(_ number: Int, of sections: [Section]) throws -> (bytes: [UInt8], count: Int)
  {
    let bytes = try file.bytes(sections[number].range)
    guard Checksum.of(bytes) == sections[number].hash else {
      throw PackError.damaged(file: path, place: "\(PackLayout.sectionNames[number]) section")
    }
    return (bytes, partsExpected)
  }

  private func checkGaps() throws {
    for gap in gaps where try file.bytes(gap).contains(where: { $0 != 0 }) {
      throw PackError.damaged(file: path, place: "padding at byte \(gap.lowerBound)")
    }
  }

  // MARK: - Sections

  private mutating func parseParts(_ bytes: [UInt8], expected: Int) throws {
    var reader = ByteReader(bytes)
    parts.reserveCapacity(expected)
    var names: [PackPartKind: Set<UTF8Key>] = [:]
    var nextChunk = 0
    var position = PackLayout.headerBytes
    while reader.remaining > 0 {
      let place = "parts section, byte \(reader.position)"
      let part = try readPart(&reader, place)
      guard names[part.kind, default: []].insert(UTF8Key(part.name)).inserted else {
        throw malformed(place, "'\(part.name)' is there twice")
      }
      guard part.firstChunk == nextChunk, part.chunkCount <= chunkCount - nextChunk else {
        throw malformed(place, "the chunks of '\(part.name)' are not its own")
      }
      if part.chunkCount > 0 {
        guard part.start >= position, part.start <= part.end, part.end <= bodyEnd else {
          throw malformed(place, "'\(part.name)' lies outside the body")
        }
        position = part.end
      } else if part.start != PackLayout.headerBytes || part.end != PackLayout.headerBytes {
        throw malformed(place, "'\(part.name)' has a place but no chunks")
      }
      // Every chunk holds 1 to `chunkLimit` bytes, so no size can be claimed that chunks do not back.
      guard part.byteCount >= part.chunkCount,
        part.byteCount <= part.chunkCount * PackLayout.chunkLimit
      else {
        throw malformed(
          place,
          "'\(part.name)': \(part.chunkCount) chunks cannot hold \(part.byteCount) bytes"
        )
      }
      guard part.kind == .tensor || part.byteCount <= PackLayout.contentLimit else {
        throw malformed(
          place,
          "'\(part.name)' has \(part.byteCount) bytes, more than a file or header in a pack"
        )
      }
      nextChunk += part.chunkCount
      parts.append(part)
    }
    guard parts.count == expected, nextChunk == chunkCount else {
      throw malformed("parts section", "it does not hold the parts and chunks the footer counts")
    }
  }

  private func readPart(_ reader: inout ByteReader, _ place: String) throws -> Part {
    do {
      guard let kind = PackPartKind(rawValue: try reader.integer()) else {
        throw malformed(place, "an unknown kind of part")
      }
      let name = try text(&reader, count: Int(try reader.integer(UInt16.self)), place)
      let type = ElementType(
        name: try text(&reader, count: Int(try reader.integer(UInt8.self)), place)
      )
      let axes = Int(try reader.integer(UInt8.self))
      guard axes <= 16 else { throw malformed(place, "'\(name)' has \(axes) axes") }
      var shape: [Int] = []
      for _ in 0..<axes { shape.append(try size(&reader, place)) }
      let file = try reader.integer(UInt32.self)
      let byteCount = try size(&reader, place)
      let part = Part(
        kind: kind,
        name: name,
        type: type,
        shape: shape,
        file: file,
        byteCount: byteCount,
        firstChunk: try size(&reader, place),
        chunkCount: Int(try reader.integer(UInt32.self)),
        start: try size(&reader, place),
        end: try size(&reader, place),
        hash: try reader.integer()
      )
      do {
        if type.isKnown {
          guard try type.byteCount(shape: shape) == byteCount else {
            throw malformed(place, "'\(name)': shape and type do not give \(byteCount) bytes")
          }
        } else {
          _ = try ElementType.elementCount(shape)
        }
      } catch let error as TensorError { throw malformed(place, "'\(name)': \(error)") }
      return part
    } catch let error as ByteReader.Truncated { throw malformed(place, error.description) }
  }

  private mutating func parseMatrices(_ bytes: [UInt8]) throws {
    var reader = ByteReader(bytes)
    var seen: Set<[Int]> = []
    while reader.remaining > 0 {
      let place = "matrices section, byte \(reader.position)"
      do {
        let layer = Int(try reader.integer(UInt32.self))
        let expert = Int(try reader.integer(UInt32.self))
        guard let projection = PackProjection(rawValue: try reader.integer()),
          let form = PackMatrix.Form(rawValue: try reader.integer())
        else { throw malformed(place, "an unknown projection or form; update moepack") }
        guard try reader.integer(UInt16.self) == 0 else {
          throw malformed(place, "parameters where this form has none")
        }
        let rows = Int(try reader.integer(UInt32.self))
        let columns = Int(try reader.integer(UInt32.self))
        let count = Int(try reader.integer(UInt8.self))
        var numbers: [Int] = []
        for _ in 0..<count { numbers.append(Int(try reader.integer(UInt32.self))) }
        let matrix = PackMatrix(
          layer: layer,
          expert: expert,
          projection: projection,
          form: form,
          rows: rows,
          columns: columns,
          parts: numbers
        )
        guard seen.insert([layer, expert, Int(projection.rawValue)]).inserted, fits(matrix) else {
          throw malformed(place, "a matrix that repeats or that its parts do not fit")
        }
        matrices.append(matrix)
      } catch let error as ByteReader.Truncated { throw malformed(place, error.description) }
    }
  }

  /// Whether the parts of `matrix` are tensors of the shapes its form asks for.
  private func fits(_ matrix: PackMatrix) -> Bool {
    guard matrix.parts.allSatisfy({ $0 < parts.count && parts[$0].kind == .tensor }) else {
      return false
    }
    let shapes = matrix.parts.map { parts[$0].shape }
    switch matrix.form {
    case .dense: return shapes == [[matrix.rows, matrix.columns]]
    case .factors:
      guard shapes.count == 2, shapes[0].count == 2, shapes[1].count == 2 else { return false }
      return shapes[0][0] == shapes[1][0] && shapes[0][1] == matrix.rows
        && shapes[1][1] == matrix.columns && shapes[0][0] > 0
    }
  }

  private mutating func parseFiles(_ bytes: [UInt8]) throws {
    var reader = ByteReader(bytes)
    var paths: Set<UTF8Key> = []
    var folders: Set<UTF8Key> = []
    while reader.remaining > 0 {
      let place = "files section, byte \(reader.position)"
      do {
        let path = try text(&reader, count: Int(try reader.integer(UInt16.self)), place)
        let kind = PackFile.Kind(rawValue: try reader.integer())
        let number = Int(try reader.integer(UInt32.self))
        guard PackFile.isSafe(path) else {
          throw malformed(place, "'\(path)' would not stay inside its folder")
        }
        guard let kind, number < parts.count,
          parts[number].kind == (kind == .plain ? .file : .header),
          kind != .gguf || features & PackLayout.ggufFile != 0
        else { throw malformed(place, "'\(path)' names a part of another kind") }
        let components = path.split(separator: "/")
        for length in 1..<max(components.count, 1) {
          folders.insert(UTF8Key(components[..<length].joined(separator: "/")))
        }
        guard paths.insert(UTF8Key(path)).inserted else {
          throw malformed(place, "'\(path)' is there twice")
        }
        files.append(PackFile(path: path, kind: kind, part: number))
      } catch let error as ByteReader.Truncated { throw malformed(place, error.description) }
    }
    if let clash = paths.first(where: { folders.contains($0) }) {
      throw malformed("files section", "'\(clash.string)' is both a file and a folder")
    }
    for part in parts where part.kind == .tensor && part.file != PackLayout.noFile {
      guard part.file < files.count, files[Int(part.file)].kind != .plain else {
        throw malformed("parts section", "'\(part.name)' names a file that is not there")
      }
    }
  }

  // MARK: - Chunks

  /// Reads and checks the chunks section.
  func readChunks() throws -> [PackChunk] {
    let bytes = try file.bytes(chunkSection)
    guard Checksum.of(bytes) == chunkSectionHash else {
      throw PackError.damaged(file: path, place: "chunks section")
    }
    var reader = ByteReader(bytes)
    var chunks: [PackChunk] = []
    chunks.reserveCapacity(chunkCount)
    var position = PackLayout.headerBytes
    for number in 0..<chunkCount {
      let place = "chunk \(number)"
      let offset = try size(&reader, place)
      let stored = Int(try reader.integer(UInt32.self))
      let decoded = Int(try reader.integer(UInt32.self))
      let codec = PackChunk.Codec(rawValue: try reader.integer())
      let zeros = try reader.take(7)
      let hash = try reader.integer(UInt64.self)
      guard let codec, zeros.allSatisfy({ $0 == 0 }) else {
        throw malformed(place, "an unknown codec; update moepack")
      }
      guard !codec.isCodedWords || features & PackLayout.codedWords != 0 else {
        throw malformed(place, "a codec that the header does not announce")
      }
      guard offset % PackLayout.alignment == 0, offset >= position, offset <= bodyEnd,
        stored <= bodyEnd - offset
      else { throw malformed(place, "it does not lie in the body, behind the one before") }
      guard decoded > 0, decoded <= PackLayout.chunkLimit else {
        throw malformed(place, "\(decoded) decoded bytes are out of bounds")
      }
      position = offset + stored
      chunks.append(
        PackChunk(
          offset: offset,
          storedBytes: stored,
          decodedBytes: decoded,
          codec: codec,
          hash: hash
        )
      )
    }
    for part in parts where part.chunkCount > 0 {
      let own = chunks[part.firstChunk..<part.firstChunk + part.chunkCount]
      let last = own[own.endIndex - 1]
      guard own.reduce(0, { $0 + $1.decodedBytes }) == part.byteCount,
        own[own.startIndex].offset == part.start, last.offset + last.storedBytes == part.end
      else { throw malformed("chunks section", "the chunks of '\(part.name)' do not add up to it") }
    }
    return chunks
  }

  // MARK: - Helpers

  private func malformed(_ place: String, _ reason: String) -> PackError {
    .malformed(file: path, place: place, reason: reason)
  }

  private func size(_ reader: inout ByteReader, _ place: String) throws -> Int {
    guard let value = Int(exactly: try reader.integer(UInt64.self)) else {
      throw malformed(place, "a number past 2^63")
    }
    return value
  }

  private func text(_ reader: inout ByteReader, count: Int, _ place: String) throws -> String {
    guard let text = String(validating: try reader.take(count), as: UTF8.self),
      !text.utf8.contains(0)
    else { throw malformed(place, "a name that is not UTF-8 without NUL") }
    return text
  }
}
