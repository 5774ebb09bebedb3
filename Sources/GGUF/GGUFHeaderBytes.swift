internal import Storage
internal import SystemPackage

/// The start of a file that is read as a header: that of a file on disk, or a copy kept elsewhere.
struct GGUFHeaderBytes {
  /// The file, for errors.
  let path: FilePath
  /// Bytes that can be read.
  let byteCount: Int
  /// Bytes of the whole file.
  let fileByteCount: Int
  private let read: (Range<Int>) throws -> [UInt8]

  /// The start of a file.
  init(_ file: MappedFile) {
    path = file.path
    byteCount = file.byteCount
    fileByteCount = file.byteCount
    read = { try file.bytes($0) }
  }

  /// A header of which the data is not at hand.
  init(_ text: [UInt8], path: FilePath) {
    self.path = path
    byteCount = text.count
    // Room for any data.
    fileByteCount = Int.max / 2
    read = { Array(text[$0]) }
  }

  /// Bytes within ``byteCount``.
  func bytes(_ range: Range<Int>) throws -> [UInt8] { try read(range) }
}
