extension GGUFCollection {
  /// Checks what opening does not: bytes that belong to no tensor, padding that is not zero, tensors
  /// out of order. Values are checked elsewhere, GGUF has no checksums.
  ///
  /// - Parameter report: Called with the file, the place and the message of each problem, in the
  ///   order of the files and their bytes.
  /// - Throws: `StorageError` if a file cannot be read.
  public func verify(report: (_ file: GGUFReader, _ place: String, _ message: String) -> Void)
    throws
  {
    for file in files { try file.verify { report(file, $0, $1) } }
  }
}
