internal import GGUF
internal import JSON
internal import Storage
public import SystemPackage
internal import Tensors

extension ImportanceMatrix {
  /// Reads a file of either form; the GGUF form is told by its first four bytes.
  ///
  /// - Parameter path: The file.
  /// - Throws: ``ImportanceMatrixError`` if it is no sound importance matrix, `GGUFError` if it is
  ///   no sound GGUF file, `StorageError` if it cannot be read.
  public init(reading path: FilePath) throws {
    let file = try MappedFile(path)
    let start = try file.bytes(0..<min(8, file.byteCount))
    // A Git LFS pointer is refused there, too.
    if start.starts(with: "GGUF".utf8) || start.elementsEqual("version ".utf8) {
      self = try ImportanceMatrix(reading: GGUFReader(path))
    } else {
      self = try LegacyReader(file).read()
    }
  }

  /// Takes the entries of an opened GGUF file.
  private init(reading file: GGUFReader) throws {
    let path = file.path
    guard case .string("imatrix")? = file.metadata[ImportanceMatrixKey.type] else {
      var type: String?
      if case .string(let text)? = file.metadata[ImportanceMatrixKey.type] { type = text }
      throw ImportanceMatrixError.otherKind(file: path, type: type)
    }
    let datasets = try ImportanceMatrix.datasets(file)
    let count = try ImportanceMatrix.number(file, ImportanceMatrixKey.chunkCount)
    let size = try ImportanceMatrix.number(file, ImportanceMatrixKey.chunkSize)
    // No name is there twice: a GGUF file has every tensor's name once.
    var parts: [UTF8Key: (sums: Int?, counts: Int?)] = [:]
    for (index, tensor) in file.tensors.enumerated() {
      // Other tensors, as the sums of inputs (.in_sum) of newer versions, are left alone.
      if let name = ImportanceMatrix.name(tensor.name, without: ImportanceMatrixKey.sums) {
        parts[UTF8Key(name), default: (nil, nil)].sums = index
      } else if let name = ImportanceMatrix.name(tensor.name, without: ImportanceMatrixKey.counts) {
        parts[UTF8Key(name), default: (nil, nil)].counts = index
      }
    }
    guard !parts.isEmpty else { throw ImportanceMatrixError.empty(file: path) }
    // By name, so that of several flaws the same one is told each time.
    let names = parts.keys.map(\.string).sorted(by: ImportanceMatrix.precedes)
    let entries = try names.map { name in
      let part = parts[UTF8Key(name)]
      return try ImportanceMatrix.entry(file, name, part?.sums, part?.counts)
    }
    self.init(
      datasets: datasets,
      chunkCount: count,
      chunkSize: size,
      entries: entries,
      file: path
    )
  }

  /// A tensor's name without a suffix; nil if it has another.
  private static func name(_ name: String, without suffix: String) -> String? {
    guard name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else { return nil }
    return String(decoding: name.utf8.dropLast(suffix.utf8.count), as: UTF8.self)
  }

  // MARK: - Keys

  private static func datasets(_ file: GGUFReader) throws -> [String] {
    let key = ImportanceMatrixKey.datasets
    guard let value = file.metadata[key] else { throw invalid(file, key, "is missing") }
    guard case .array(let array) = value, let strings = array.strings else {
      throw invalid(file, key, "is no list of strings")
    }
    return strings
  }

  private static func number(_ file: GGUFReader, _ key: String) throws -> Int {
    guard let value = file.metadata[key] else { throw invalid(file, key, "is missing") }
    guard let number = value.integer, number >= 0 else {
      throw invalid(file, key, "is no whole number from 0 up")
    }
    return number
  }

  private static func invalid(_ file: GGUFReader, _ key: String, _ reason: String)
    -> ImportanceMatrixError
  {
    .invalidKey(file: file.path, key: key, reason: reason)
  }

  // MARK: - Entries

  private static func entry(_ file: GGUFReader, _ name: String, _ sums: Int?, _ counts: Int?) throws
    -> Entry
  {
    func flaw(_ reason: String) -> ImportanceMatrixError {
      .invalidEntry(file: file.path, tensor: name, reason: reason)
    }
    guard !name.isEmpty else { throw flaw("has no name") }
    guard let sums else { throw flaw("has counts but no sums (.in_sum2)") }
    guard let counts else { throw flaw("has sums but no counts (.counts)") }
    for index in [sums, counts] where file.tensors[index].type != .f32 {
      throw flaw("'\(file.tensors[index].name)' is \(file.tensors[index].type.name), expected F32")
    }
    let (values, tokens) = (file.tensors[sums].elementCount, file.tensors[counts].elementCount)
    guard values > 0, tokens > 0, values % tokens == 0 else {
      throw flaw("\(values) sums do not divide into \(tokens) counts")
    }
    return Entry(
      name: name,
      sums: try numbers(file, sums, name, "sum"),
      counts: try numbers(file, counts, name, "count")
    )
  }

  private static func numbers(_ file: GGUFReader, _ index: Int, _ name: String, _ part: String)
    throws -> [Float]
  {
    let bytes = try file.bytes(ofTensor: index)
    return try numbers(bytes, file.path, name, part)
  }

  /// Little-endian floats; refuses what no sum and no count can be.
  static func numbers(_ bytes: [UInt8], _ file: FilePath, _ name: String, _ part: String)
    throws(ImportanceMatrixError) -> [Float]
  {
    let numbers = [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
      bytes.withUnsafeBytes { raw in
        for place in 0..<bytes.count / 4 {
          let bits = raw.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)
          buffer.initializeElement(at: place, to: Float(bitPattern: UInt32(littleEndian: bits)))
        }
      }
      count = bytes.count / 4
    }
    if let index = numbers.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .impossibleValue(
        file: file,
        tensor: name,
        part: part,
        index: index,
        value: numbers[index]
      )
    }
    return numbers
  }
}
