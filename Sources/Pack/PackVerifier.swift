internal import Parallelism
internal import Storage

extension PackReader {
  /// Checks everything that opening did not: every chunk and part against its hash, every byte of
  /// padding, and that all values are finite. Each chunk is decoded once.
  ///
  /// - Parameters:
  ///   - threads: Most threads to use.
  ///   - progress: Called with the stored bytes of each part that was checked.
  ///   - report: Called with the place and the message of each damage, in the order of the file.
  ///   - reportValue: Called with the name of each tensor that can be computed with and holds a value
  ///     which is infinite or no number.
  /// - Throws: `StorageError` if the table of chunks cannot be read; what is damaged is reported.
  public func verify(
    threads: Int,
    progress: (Int) -> Void,
    report: (_ place: String, _ message: String) -> Void,
    reportValue: (_ tensor: String) -> Void
  ) throws {
    let chunks: [PackChunk]
    do { chunks = try self.chunks() } catch let error as PackError {
      report("chunks section", error.description)
      return
    }
    let workers = (0..<max(1, threads)).map { _ in PackDecoder() }
    var position = PackLayout.headerBytes
    for part in index.parts {
      var check = PartCheck(part)
      for problem in try decode(part, chunks, workers, into: &check) {
        report(part.name, problem)
      }
      if !check.isFinite { reportValue(part.name) }
      for chunk in chunks[part.firstChunk..<part.firstChunk + part.chunkCount] {
        checkPadding(position..<chunk.offset, report)
        position = chunk.offset + chunk.storedBytes
      }
      progress(part.end - part.start)
    }
    checkPadding(position..<index.bodyEnd, report)
  }

  /// Decodes a part a few chunks at a time, so that its size does not matter.
  ///
  /// - Returns: What is damaged.
  private func decode(
    _ part: PackIndex.Part,
    _ chunks: [PackChunk],
    _ workers: [PackDecoder],
    into check: inout PartCheck
  ) throws -> [String] {
    var problems: [String] = []
    let own = part.firstChunk..<part.firstChunk + part.chunkCount
    for first in stride(from: own.lowerBound, to: own.upperBound, by: workers.count) {
      let batch = first..<min(first + workers.count, own.upperBound)
      let results = parallelMap(count: batch.count, threads: workers.count) {
        slot -> Result<[UInt8], any Error> in
        let number = batch.lowerBound + slot
        return Result {
          let size = chunks[number].decodedBytes
          return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let room = UnsafeMutableRawBufferPointer(buffer)
            try decode(number, chunks[number], of: part, with: workers[slot], into: room)
            count = size
          }
        }
      }
      var decoded: [[UInt8]] = []
      for result in results {
        switch result {
        case .success(let bytes): decoded.append(bytes)
        case .failure(let error): problems.append("\(error)")
        }
      }
      if problems.isEmpty { check.add(decoded, threads: workers.count) }
    }
    if problems.isEmpty && !check.isAsWritten {
      problems.append("'\(part.name)' decodes to other bytes than were written")
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
