public import Storage
public import SystemPackage
public import Tensors

/// An opened safetensors file.
public final class SafetensorsReader: TensorSource {
  /// Its checked header.
  public let header: SafetensorsHeader
  private let file: MappedFile

  /// Opens `path` and checks its header; reads no values.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - fileIndex: The index its descriptors carry, for a file that is one of several.
  ///   - access: How values will be read.
  /// - Throws: `StorageError` if the file cannot be opened, ``SafetensorsError`` if its header
  ///   breaks a rule of the format.
  public init(_ path: FilePath, fileIndex: Int = 0, access: MappedFile.Access = .positioned) throws
  {
    file = try MappedFile(path, access: access)
    header = try SafetensorsHeader(reading: file, fileIndex: fileIndex)
  }

  /// Where the file is.
  public var path: FilePath { file.path }
  /// Its size.
  public var byteCount: Int { file.byteCount }
  /// Its tensors in the order of the header.
  public var tensors: [TensorDescriptor] { header.tensors }

  /// The header's text, verbatim.
  public func headerText() throws -> [UInt8] { try file.bytes(8..<header.dataStart) }

  /// Copies bytes of a tensor.
  public func read(
    tensor index: Int,
    bytes range: Range<Int>,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let start = header.tensors[index].fileRange.lowerBound
    precondition(range.upperBound <= header.tensors[index].byteCount)
    try file.read(start + range.lowerBound..<start + range.upperBound, into: buffer)
  }
}
