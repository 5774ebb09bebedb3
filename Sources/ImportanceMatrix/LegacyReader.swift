internal import JSON
internal import Storage
internal import SystemPackage

/// Reads the form that `llama-imatrix` wrote before it wrote GGUF, entry by entry; Formats/imatrix.md.
struct LegacyReader {
  private let file: MappedFile
  private var position = 0

  init(_ file: MappedFile) { self.file = file }

  private var left: Int { file.byteCount - position }

  /// The whole file.
  consuming func read() throws -> ImportanceMatrix {
    let count = try number("the number of entries")
    guard count != 0 else { throw ImportanceMatrixError.empty(file: file.path) }
    // Two lengths, the calls, a name of one byte, one value.
    guard count > 0, Int(count) <= left / 17 else {
      throw flaw(at: 0, "the number of entries", "is \(count), with \(left) bytes behind it")
    }
    var names: Set<UTF8Key> = []
    var entries: [ImportanceMatrix.Entry] = []
    for index in 1...Int(count) {
      let entry = try entry(index)
      guard names.insert(UTF8Key(entry.name)).inserted else {
        throw ImportanceMatrixError.duplicateEntry(file: file.path, tensor: entry.name)
      }
      entries.append(entry)
    }
    let (chunks, datasets) = try trailer()
    return ImportanceMatrix(
      form: .legacy,
      datasets: datasets,
      chunkCount: chunks,
      chunkSize: 0,
      entries: entries,
      file: file.path
    )
  }

  private mutating func entry(_ index: Int) throws -> ImportanceMatrix.Entry {
    let start = position
    let length = try number("the length of the name of entry \(index)")
    guard length > 0 else {
      throw flaw(at: start, "the length of the name of entry \(index)", "is \(length)")
    }
    let name = try text(Int(length), "the name of entry \(index)")
    let callsStart = position
    let calls = try number("the number of calls of '\(name)'")
    guard calls >= 0 else {
      throw flaw(at: callsStart, "the number of calls of '\(name)'", "is \(calls)")
    }
    let countStart = position
    let count = try number("the number of values of '\(name)'")
    guard count > 0 else {
      throw flaw(at: countStart, "the number of values of '\(name)'", "is \(count)")
    }
    let bytes = try take(4 * Int(count), "\(count) values of '\(name)'")
    return ImportanceMatrix.Entry(
      name: name,
      sums: try ImportanceMatrix.numbers(bytes, file.path, name, "value"),
      counts: [Float(calls)]
    )
  }

  /// What may follow the entries: the number of chunks, and behind it the text's name.
  private mutating func trailer() throws -> (chunks: Int, datasets: [String]) {
    guard left > 0 else { return (0, []) }
    let start = position
    let chunks = try number("the number of chunks")
    guard chunks >= 0 else { throw flaw(at: start, "the number of chunks", "is \(chunks)") }
    guard left > 0 else { return (Int(chunks), []) }
    let lengthStart = position
    let length = try number("the length of the text's name")
    guard length >= 0 else {
      throw flaw(at: lengthStart, "the length of the text's name", "is \(length)")
    }
    let name = try text(Int(length), "the text's name")
    guard left == 0 else { throw flaw(at: position, "\(left) bytes", "follow the end of the file") }
    return (Int(chunks), name.isEmpty ? [] : [name])
  }

  // MARK: - Pieces

  private mutating func number(_ place: String) throws -> Int32 {
    let bytes = try take(4, place)
    return bytes.withUnsafeBytes {
      Int32(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: Int32.self))
    }
  }

  private mutating func text(_ count: Int, _ place: String) throws -> String {
    let start = position
    let bytes = try take(count, place)
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw flaw(at: start, place, "is no text in UTF-8")
    }
    return text
  }

  private mutating func take(_ count: Int, _ place: String) throws -> [UInt8] {
    guard count <= left else {
      throw flaw(at: position, place, "needs \(count) bytes but \(left) are left")
    }
    defer { position += count }
    return try file.bytes(position..<position + count)
  }

  private func flaw(at offset: Int, _ place: String, _ reason: String) -> ImportanceMatrixError {
    .malformed(file: file.path, offset: offset, place: place, reason: reason)
  }
}
