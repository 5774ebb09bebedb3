internal import GGUF
internal import Parallelism
public import Pack
internal import Safetensors
internal import Storage
public import SystemPackage
internal import Tensors

/// Restores what a lossless pack holds, byte for byte.
public struct LosslessUnpacking: Sendable {
  private let pack: PackReader
  private let threads: Int

  /// Unpacks `pack`.
  public init(_ pack: PackReader, threads: Int) {
    self.pack = pack
    self.threads = max(1, threads)
  }

  /// Bytes that will be written.
  public var byteCount: Int {
    pack.files.reduce(0) { $0 + pack.contentByteCount(of: $1) }
      + pack.tensors.reduce(0) { $0 + $1.byteCount }
  }

  /// Writes every file into a new folder.
  public func run(toFolder destination: FilePath, progress: (Int) -> Void) throws
    -> ConversionReport
  {
    try requireFileOfEachTensor()
    let folder = try ReplacementDirectory(replacing: destination)
    var report = ConversionReport()
    for number in pack.files.indices {
      let path = try folder.path(for: pack.files[number].path)
      try write(fileNumber: number, to: path, &report, progress)
    }
    try folder.finish()
    return report
  }

  /// Writes the one safetensors file of the pack.
  public func run(toFile destination: FilePath, progress: (Int) -> Void) throws -> ConversionReport
  {
    let weights = pack.files.indices.filter { pack.files[$0].kind == .safetensors }
    guard weights.count == 1 else {
      throw ConversionError.unsupported(
        reason:
          "\(pack.path): holds \(weights.count) safetensors files; give a folder as the output"
      )
    }
    try requireFileOfEachTensor()
    var report = ConversionReport()
    try write(fileNumber: weights[0], to: destination, &report, progress)
    return report
  }

  /// Checks that the header of every safetensors file describes exactly the tensors packed for it.
  ///
  /// - Parameter report: Called with the path of each file of which this is not so, and the error.
  func checkHeaders(report: (_ place: String, _ error: any Error) -> Void) {
    for (number, file) in pack.files.enumerated() where file.kind != .plain {
      do { try check(try pack.contents(of: file), fileNumber: number) } catch {
        report(file.path, error)
      }
    }
    do { try requireFileOfEachTensor() } catch { report("parts section", error) }
  }

  /// Refuses a pack with a tensor that no file takes, and which would be left out in silence.
  private func requireFileOfEachTensor() throws {
    var isTaken = [Bool](repeating: false, count: pack.tensors.count)
    for (number, file) in pack.files.enumerated() where file.kind != .plain {
      for tensor in pack.tensors(ofFile: number) { isTaken[tensor] = true }
    }
    guard let tensor = isTaken.firstIndex(of: false) else { return }
    throw PackError.malformed(
      file: pack.path,
      place: "parts section",
      reason: "'\(pack.tensors[tensor].name)' belongs to none of the packed files"
    )
  }

  private func write(
    fileNumber: Int,
    to path: FilePath,
    _ report: inout ConversionReport,
    _ progress: (Int) -> Void
  ) throws {
    let packed = pack.files[fileNumber]
    let content = try pack.contents(of: packed)
    let file = try ReplacementFile(replacing: path)
    guard packed.kind == .safetensors else {
      try file.write(content, at: 0)
      try file.finish()
      report.byteCount += content.count
      progress(content.count)
      return
    }
    var start = ByteWriter()
    start.append(UInt64(content.count))
    start.append(bytes: content)
    try file.write(start.bytes, at: 0)
    let tensors = pack.tensors(ofFile: fileNumber)
    try check(content, fileNumber: fileNumber)
    var offset = start.bytes.count
    for tensor in tensors {
      try copy(tensor: tensor, to: file, at: offset)
      offset += pack.tensors[tensor].byteCount
      progress(pack.tensors[tensor].byteCount)
    }
    try file.finish()
    report.tensorCount += tensors.count
    report.byteCount += offset
  }

  /// The header must describe exactly the tensors that follow, or the file would be a lie.
  private func check(_ header: [UInt8], fileNumber: Int) throws {
    let path = pack.files[fileNumber].path
    if pack.files[fileNumber].kind == .gguf { return try checkGGUF(header, fileNumber: fileNumber) }
    let tensors = pack.tensors(ofFile: fileNumber)
    let bufferLength = tensors.reduce(0) { $0 + pack.tensors[$1].byteCount }
    let parsed = try SafetensorsHeader(
      text: header,
      bufferLength: bufferLength,
      file: FilePath("\(pack.path): \(path)")
    )
    let order = SafetensorsHeader.order(of: parsed.tensors)
    let fits =
      order.count == tensors.count
      && zip(order, tensors).allSatisfy { ours, theirs in
        let (a, b) = (parsed.tensors[ours], pack.tensors[theirs])
        return a.name.utf8.elementsEqual(b.name.utf8) && a.type == b.type && a.shape == b.shape
          && a.byteCount == b.byteCount
      }
    guard fits else {
      throw PackError.malformed(
        file: pack.path,
        place: path,
        reason: "its header does not describe the tensors packed for it"
      )
    }
  }

  private func checkGGUF(_ header: [UInt8], fileNumber: Int) throws {
    let path = pack.files[fileNumber].path
    let parsed = try GGUFHeader(text: header, file: FilePath("\(pack.path): \(path)"))
    let tensors = pack.tensors(ofFile: fileNumber).map { pack.tensors[$0] }
    let fits =
      parsed.dataStart == header.count && parsed.tensors.count == tensors.count
      && zip(parsed.tensors, tensors).allSatisfy { a, b in
        a.name.utf8.elementsEqual(b.name.utf8) && a.type == b.type && a.shape == b.shape
          && a.byteCount == b.byteCount
      }
    guard fits else {
      throw PackError.malformed(
        file: pack.path,
        place: path,
        reason: "its header does not describe the tensors packed for it"
      )
    }
  }

  /// Decodes pieces side by side, each to its own place.
  private func copy(tensor: Int, to file: ReplacementFile, at offset: Int) throws {
    let size = pack.tensors[tensor].byteCount
    let piece = 1 << 20
    try parallelForEach(count: (size + piece - 1) / piece, threads: threads) { number in
      let range = number * piece..<min((number + 1) * piece, size)
      var room = [UInt8](repeating: 0, count: range.count)
      try room.withUnsafeMutableBytes { buffer in
        try pack.read(tensor: tensor, bytes: range, into: buffer)
        try file.write(UnsafeRawBufferPointer(buffer), at: offset + range.lowerBound)
      }
    }
  }
}
