internal import JSON
internal import Storage
internal import SystemPackage
internal import Tensors

/// A record of the parts section.
struct PackPartRecord: Equatable {
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

/// What a killed run had written of a pack, from the records of its journal; Formats/journal.md.
struct PackProgress {
  private(set) var position = PackLayout.headerBytes
  private(set) var parts: [PackPartRecord] = []
  private(set) var chunks: [PackChunk] = []

  /// Whether nothing was written yet.
  var isEmpty: Bool { parts.isEmpty }

  /// Puts `records` together, oldest first; `destination` names the pack in errors.
  init(_ records: [JSONValue], _ destination: FilePath) throws {
    for record in records {
      guard let position = record["position"]?.integer,
        let newParts = record["parts"]?.array?.map(PackProgress.part),
        let newChunks = record["chunks"]?.array?.map(PackProgress.chunk)
      else { throw StorageError.lostWorkFile(path: destination) }
      self.position = position
      parts += newParts.compactMap { $0 }
      chunks += newChunks.compactMap { $0 }
      guard !newParts.contains(where: { $0 == nil }), !newChunks.contains(where: { $0 == nil })
      else { throw StorageError.lostWorkFile(path: destination) }
    }
  }

  /// What is to be recorded of new parts and chunks.
  static func record(
    position: Int,
    parts: ArraySlice<PackPartRecord>,
    chunks: ArraySlice<PackChunk>
  ) -> JSONValue {
    [
      "position": JSONValue(position), "parts": .array(parts.map(json)),
      "chunks": .array(chunks.map(json)),
    ]
  }

  private static func json(_ part: PackPartRecord) -> JSONValue {
    [
      "kind": JSONValue(Int(part.kind.rawValue)), "name": .string(part.name),
      "type": .string(part.type.name), "shape": JSONValue(part.shape),
      "file": JSONValue(Int(part.file)), "bytes": JSONValue(part.byteCount),
      "firstChunk": JSONValue(part.firstChunk), "chunkCount": JSONValue(part.chunkCount),
      "range": JSONValue([part.start, part.end]), "hash": .string(String(part.hash, radix: 16)),
    ]
  }

  private static func part(_ json: JSONValue) -> PackPartRecord? {
    guard let kind = json["kind"]?.integer.flatMap({ UInt8(exactly: $0) }),
      let kind = PackPartKind(rawValue: kind), let name = json["name"]?.string,
      let type = json["type"]?.string, let shape = json["shape"]?.array?.compactMap(\.integer),
      let file = json["file"]?.integer.flatMap({ UInt32(exactly: $0) }),
      let byteCount = json["bytes"]?.integer, let firstChunk = json["firstChunk"]?.integer,
      let chunkCount = json["chunkCount"]?.integer,
      let range = json["range"]?.array?.compactMap(\.integer), range.count == 2,
      let hash = json["hash"]?.string.flatMap({ UInt64($0, radix: 16) })
    else { return nil }
    return PackPartRecord(
      kind: kind,
      name: name,
      type: ElementType(name: type),
      shape: shape,
      file: file,
      byteCount: byteCount,
      firstChunk: firstChunk,
      chunkCount: chunkCount,
      start: range[0],
      end: range[1],
      hash: hash
    )
  }

  private static func json(_ chunk: PackChunk) -> JSONValue {
    [
      JSONValue(chunk.offset), JSONValue(chunk.storedBytes), JSONValue(chunk.decodedBytes),
      JSONValue(Int(chunk.codec.rawValue)), .string(String(chunk.hash, radix: 16)),
    ]
  }

  private static func chunk(_ json: JSONValue) -> PackChunk? {
    guard let fields = json.array, fields.count == 5,
      let numbers = Optional(fields.prefix(4).compactMap(\.integer)), numbers.count == 4,
      let codec = UInt8(exactly: numbers[3]).flatMap({ PackChunk.Codec(rawValue: $0) }),
      let hash = fields[4].string.flatMap({ UInt64($0, radix: 16) })
    else { return nil }
    return PackChunk(
      offset: numbers[0],
      storedBytes: numbers[1],
      decodedBytes: numbers[2],
      codec: codec,
      hash: hash
    )
  }
}
