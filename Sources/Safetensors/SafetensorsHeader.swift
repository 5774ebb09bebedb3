internal import JSON
internal import Storage
public import SystemPackage
public import Tensors

/// The header of one safetensors file, checked against every rule of the format.
///
/// What holds once it is made: names are unique, sizes equal shape times type (where the type is
/// known), and the tensors tile the buffer exactly. See Formats/safetensors.md.
public struct SafetensorsHeader: Sendable {
  /// The most bytes a header may have.
  public static let byteLimit = 100_000_000

  /// Tensors in the order of the header, ranges counted from the start of the file.
  public let tensors: [TensorDescriptor]
  /// The pairs of `__metadata__`, in order.
  public let metadata: [(key: String, value: String)]
  /// Where the buffer starts: eight bytes and the header.
  public let dataStart: Int

  /// Reads and checks the header of `file`.
  init(reading file: MappedFile, fileIndex: Int) throws {
    let path = file.path
    guard file.byteCount >= 8 else {
      throw SafetensorsError.headerTooSmall(file: path, byteCount: file.byteCount)
    }
    let lengthBytes = try file.bytes(0..<8)
    if lengthBytes.elementsEqual("version ".utf8) { throw SafetensorsError.lfsPointer(file: path) }
    var reader = ByteReader(lengthBytes)
    let claimed = try reader.integer(UInt64.self)
    guard claimed <= UInt64(SafetensorsHeader.byteLimit) else {
      throw SafetensorsError.headerTooLarge(file: path, claimed: claimed)
    }
    let available = file.byteCount - 8
    guard Int(claimed) <= available else {
      throw SafetensorsError.headerPastEnd(file: path, claimed: claimed, available: available)
    }
    let text = try file.bytes(8..<8 + Int(claimed))
    try self.init(
      text: text,
      bufferLength: available - Int(claimed),
      file: path,
      fileIndex: fileIndex
    )
  }

  /// Checks header text that stands before a buffer of `bufferLength` bytes.
  public init(text: [UInt8], bufferLength: Int, file: FilePath, fileIndex: Int = 0) throws {
    dataStart = 8 + text.count
    var scan = HeaderScan(file: file, fileIndex: fileIndex, dataStart: dataStart)
    try scan.run(text)
    tensors = scan.tensors
    metadata = scan.metadata
    try SafetensorsHeader.checkTiling(
      tensors,
      dataStart: dataStart,
      bufferLength: bufferLength,
      file: file
    )
  }

  private static func checkTiling(
    _ tensors: [TensorDescriptor],
    dataStart: Int,
    bufferLength: Int,
    file: FilePath
  ) throws(SafetensorsError) {
    var position = dataStart
    for index in order(of: tensors) {
      let range = tensors[index].fileRange
      guard range.lowerBound == position else {
        throw .notContiguous(
          file: file,
          tensor: tensors[index].name,
          expected: position - dataStart,
          got: range.lowerBound - dataStart
        )
      }
      position = range.upperBound
    }
    guard position - dataStart == bufferLength else {
      throw .wrongBufferLength(file: file, expected: position - dataStart, got: bufferLength)
    }
  }

  /// Indices of `tensors` by their place in the file; empty tensors come before what follows them.
  public static func order(of tensors: [TensorDescriptor]) -> [Int] {
    tensors.indices.sorted {
      let (a, b) = (tensors[$0].fileRange, tensors[$1].fileRange)
      return (a.lowerBound, a.upperBound, $0) < (b.lowerBound, b.upperBound, $1)
    }
  }
}

/// One pass over header text.
private struct HeaderScan {
  let file: FilePath
  let fileIndex: Int
  let dataStart: Int
  var tensors: [TensorDescriptor] = []
  var metadata: [(key: String, value: String)] = []
  private var names: Set<UTF8Key> = []

  init(file: FilePath, fileIndex: Int, dataStart: Int) {
    self.file = file
    self.fileIndex = fileIndex
    self.dataStart = dataStart
  }

  mutating func run(_ text: [UInt8]) throws {
    var scanner = JSONScanner(text, depthLimit: 4)
    do {
      try scanner.object { scanner, key in
        guard names.insert(UTF8Key(key)).inserted else {
          throw SafetensorsError.duplicateName(file: file, name: key)
        }
        if key == "__metadata__" {
          try readMetadata(&scanner)
        } else {
          try readTensor(key, &scanner)
        }
      }
      try scanner.finish()
    } catch let error as JSONError {
      throw SafetensorsError.malformedHeader(
        file: file,
        offset: 8 + error.offset,
        expected: error.expected
      )
    }
    names = []
  }

  private mutating func readMetadata(_ scanner: inout JSONScanner) throws {
    var keys: Set<UTF8Key> = []
    try scanner.object { scanner, key in
      guard keys.insert(UTF8Key(key)).inserted else {
        throw SafetensorsError.duplicateName(file: file, name: "__metadata__.\(key)")
      }
      metadata.append((key, try scanner.string()))
    }
  }

  private mutating func readTensor(_ name: String, _ scanner: inout JSONScanner) throws {
    if name.utf8.contains(0) { throw scanner.failure("no NUL in the name of a tensor") }
    var type: ElementType?
    var shape: [Int]?
    var offsets: [Int]?
    var fields: Set<UTF8Key> = []
    try scanner.object { scanner, key in
      guard fields.insert(UTF8Key(key)).inserted else {
        throw SafetensorsError.duplicateName(file: file, name: "\(name).\(key)")
      }
      switch key {
      case "dtype":
        let known = ElementType(name: try scanner.string())
        // A ggml type here is a type that nothing is known of, its size above all.
        type = known.isSafetensors ? known : .unknown(known.name)
      case "shape":
        var sizes: [Int] = []
        try scanner.array { scanner in sizes.append(try scanner.count()) }
        shape = sizes
      case "data_offsets":
        var pair: [Int] = []
        try scanner.array { scanner in pair.append(try scanner.count()) }
        guard pair.count == 2 else { throw scanner.failure("two data_offsets, not \(pair.count)") }
        offsets = pair
      default: try scanner.skipValue()
      }
    }
    func missing(_ field: String) -> SafetensorsError {
      .missingField(file: file, tensor: name, field: field)
    }
    guard let type else { throw missing("dtype") }
    guard let shape else { throw missing("shape") }
    guard let offsets else { throw missing("data_offsets") }
    tensors.append(try describe(name, type, shape, begin: offsets[0], end: offsets[1]))
  }

  private func describe(_ name: String, _ type: ElementType, _ shape: [Int], begin: Int, end: Int)
    throws -> TensorDescriptor
  {
    guard begin <= end else { throw SafetensorsError.reversedOffsets(file: file, tensor: name) }
    let (fileEnd, overflow) = end.addingReportingOverflow(dataStart)
    guard !overflow else {
      throw SafetensorsError.invalidShape(
        file: file,
        tensor: name,
        reason: "data_offsets \(begin) to \(end) do not fit a file"
      )
    }
    do {
      if type.isKnown {
        let expected = try type.byteCount(shape: shape)
        guard expected == end - begin else {
          throw SafetensorsError.wrongSize(
            file: file,
            tensor: name,
            expected: expected,
            got: end - begin
          )
        }
      } else {
        _ = try ElementType.elementCount(shape)
      }
    } catch let error as TensorError {
      throw SafetensorsError.invalidShape(file: file, tensor: name, reason: error.description)
    }
    return TensorDescriptor(
      name: name,
      type: type,
      shape: shape,
      fileIndex: fileIndex,
      fileRange: begin + dataStart..<fileEnd,
      byteCount: end - begin
    )
  }
}
