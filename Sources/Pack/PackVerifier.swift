internal import Parallelism
internal import Storage

extension PackReader {
  /// Checks everything that opening did not: every chunk and part against its hash, and every byte
  /// of padding.
  ///
  /// - Parameters:
  ///   - threads: Most threads to use.
  ///   - progress: Called with the stored bytes of each part that was checked.
  ///   - report: Called with the place and the message of each problem, in the order of the file.
  /// - Throws: `StorageError` if the table of chunks cannot be read; what is damaged is reported.
  public func verify(
    threads: Int,
    progress: (Int) -> Void,
    report: (_ place: String, _ message: String) -> Void
  ) throws {
    let chunks: [PackChunk]
    do { chunks = try self.chunks() } catch let error as PackError {
      report("chunks section", error.description)
      return
    }
    var position = PackLayout.headerBytes
    for part in index.parts {
      for problem in try check(part, chunks, threads: threads) { report(problem.0, problem.1) }
      for chunk in chunks[part.firstChunk..<part.firstChunk + part.chunkCount] {
        checkPadding(position..<chunk.offset, report)
        position = chunk.offset + chunk.storedBytes
      }
      progress(part.end - part.start)
    }
    checkPadding(position..<index.bodyEnd, report)
  }

  /// Decodes a part a few chunks at a time, so that its size does not matter.
  private func check(_ part: PackIndex.Part, _ chunks: [PackChunk], threads: Int) throws
    -> [(String, String)]
  {
    var checksum = Checksum()
    var problems: [(String, String)] = []
    let own = part.firstChunk..<part.firstChunk + part.chunkCount
    for first in stride(from: own.lowerBound, to: own.upperBound, by: max(1, threads)) {
      let batch = first..<min(first + max(1, threads), own.upperBound)
      let results = parallelMap(count: batch.count, threads: threads) {
        slot -> Result<[UInt8], any Error> in
        let number = batch.lowerBound + slot
        return Result {
          let decoder = try PackDecoder()
          let size = chunks[number].decodedBytes
          return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let room = UnsafeMutableRawBufferPointer(buffer)
            try decode(number, chunks[number], of: part, with: decoder, into: room)
            count = size
          }
        }
      }
      for result in results {
        switch result {
        case .success(let bytes): bytes.withUnsafeBytes { checksum.update($0) }
        case .failure(let error): problems.append((part.name, "\(error)"))
        }
      }
    }
    if problems.isEmpty && checksum.value != part.hash {
      problems.append((part.name, "'\(part.name)' decodes to other bytes than were written"))
    }
    return problems
  }

  private func checkPadding(_ range: Range<Int>, _ report: (String, String) -> Void) {
    // Chunks are aligned to eight bytes; more than seven between them was never written by us.
    guard range.count < PackLayout.alignment else {
      report("byte \(range.lowerBound)", "\(range.count) bytes that belong to nothing")
      return
    }
    do {
      if try file.bytes(range).contains(where: { $0 != 0 }) {
        report("byte \(range.lowerBound)", "padding that is not zero")
      }
    } catch { report("byte \(range.lowerBound)", "\(error)") }
  }
}
