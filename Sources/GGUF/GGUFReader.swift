public import Storage
public import SystemPackage
public import Tensors

/// An opened GGUF file.
///
/// It may be one of several splits; ``GGUFCollection`` reads all of them as one.
public final class GGUFReader: TensorSource {
  /// Its checked header.
  public let header: GGUFHeader
  let file: MappedFile

  /// Opens `path` and checks its header; reads no values.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - fileIndex: The index its descriptors carry, for a file that is one of several.
  ///   - access: How values will be read.
  /// - Throws: `StorageError` if the file cannot be opened, ``GGUFError`` if its header breaks a rule
  ///   of the format.
  public init(_ path: FilePath, fileIndex: Int = 0, access: MappedFile.Access = .positioned) throws
  {
    file = try MappedFile(path, access: access)
    header = try GGUFHeader(reading: file, fileIndex: fileIndex)
  }

  /// Where the file is.
  public var path: FilePath { file.path }
  /// Its size.
  public var byteCount: Int { file.byteCount }
  /// Its keys and values.
  public var metadata: GGUFMetadata { header.metadata }
  /// Its tensors in the order of the header.
  public var tensors: [TensorDescriptor] { header.tensors }

  /// All bytes before the data, verbatim.
  public func headerBytes() throws -> [UInt8] {
    try file.bytes(0..<min(header.dataStart, file.byteCount))
  }

  /// Copies bytes of a tensor.
  ///
  /// - Parameters:
  ///   - index: Place in ``tensors``.
  ///   - range: Bytes relative to the tensor's first.
  ///   - buffer: Room for exactly as many bytes.
  /// - Throws: ``GGUFError/unknownElementType(file:tensor:type:)`` if the tensor's type has no known
  ///   size, `StorageError` if the file has shrunk.
  public func read(
    tensor index: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let tensor = header.tensors[index]
    if header.unreadable.contains(index) {
      throw GGUFError.unknownElementType(
        file: path,
        tensor: tensor.name,
        type: tensor.type.name
      )
    }
    precondition(range.upperBound <= tensor.byteCount)
    let start = tensor.fileRange.lowerBound
    try file.read(start + range.lowerBound..<start + range.upperBound, into: buffer)
  }
}
