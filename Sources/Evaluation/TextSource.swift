internal import JSON
internal import Storage
package import SystemPackage

/// Where tokens come from.
package enum TextSource: Sendable {
  /// A `.txt` or `.jsonl` file.
  case file(FilePath)
  /// A file of token ids.
  case ids(FilePath)
  /// Documents in memory, with a name for reports.
  case documents([[UInt8]], name: String)

  /// The name that reports give it; nil for ids.
  package var name: String? {
    switch self {
    case .file(let path): path.string
    case .ids: nil
    case .documents(_, let name): name
    }
  }

  /// The documents, byte for byte as UTF-8; none for ids.
  package func documents() throws -> [[UInt8]] {
    switch self {
    case .documents(let documents, _): return documents
    case .ids: return []
    case .file(let path):
      switch path.extension {
      case "txt":
        let bytes = try FileSystem.contents(of: path, limit: 4 << 30)
        guard TextSource.isUTF8(bytes[...]) else {
          throw EvaluationError.notUTF8(file: path, line: nil)
        }
        return [bytes]
      case "jsonl":
        return try TextSource.documents(
          ofLines: try FileSystem.contents(of: path, limit: 4 << 30),
          file: path
        )
      default: throw EvaluationError.unknownTextKind(file: path)
      }
    }
  }

  /// The `text` of every line; lines of white space are skipped.
  package static func documents(ofLines bytes: [UInt8], file: FilePath) throws -> [[UInt8]] {
    var documents: [[UInt8]] = []
    for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
    {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      let number = index + 1
      guard isUTF8(line) else { throw EvaluationError.notUTF8(file: file, line: number) }
      do {
        guard let text = try JSONValue(parsing: Array(line))["text"]?.string else {
          throw EvaluationError.malformedLine(
            file: file,
            line: number,
            reason: "expected an object with a string 'text'"
          )
        }
        documents.append(Array(text.utf8))
      } catch let error as JSONError {
        throw EvaluationError.malformedLine(file: file, line: number, reason: error.description)
      }
    }
    return documents
  }

  /// The ids of a JSON file that is a flat list of them.
  package static func ids(in path: FilePath) throws -> [Int32] {
    let text = try FileSystem.contents(of: path, limit: 4 << 30)
    var ids: [Int32] = []
    do {
      var scanner = JSONScanner(text)
      try scanner.array { scanner in
        guard let id = Int32(exactly: try scanner.count()) else {
          throw scanner.failure("a token id below 2^31")
        }
        ids.append(id)
      }
      try scanner.finish()
    } catch let error as JSONError {
      throw EvaluationError.malformedIDs(file: path, offset: error.offset, expected: error.expected)
    }
    return ids
  }

  private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }
}
