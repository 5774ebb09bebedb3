// tokenize TOKENIZER.JSON TEXT.JSONL: times the encoding of all documents, on one thread.
//
// Word: encode.

import Glibc
import JSON
import Tokenization
import Worker

let words = CommandLine.arguments
guard words.count == 3 else { fail("usage: tokenize TOKENIZER.JSON TEXT.JSONL") }
let json = try JSONValue(parsing: bytes(of: words[1]))
let tokenizer = try Tokenizer(TokenizerDescription(json: json, file: words[1]))
let documents = try bytes(of: words[2]).split(separator: UInt8(ascii: "\n")).map { line in
  Array((try JSONValue(parsing: Array(line))["text"]?.string ?? "").utf8)
}
let byteCount = documents.reduce(0) { $0 + $1.count }

serve(["bytes": Double(byteCount)]) { word in
  guard word == "encode" else { fail("unknown word '\(word)'") }
  let (seconds, ids) = try timed { try documents.map { try tokenizer.encode($0) } }
  return ["seconds": seconds, "tokens": Double(ids.reduce(0) { $0 + $1.count })]
}

/// A whole file.
func bytes(of path: String) -> [UInt8] {
  guard let file = fopen(path, "r") else { fail("\(path): \(String(cString: strerror(errno)))") }
  defer { fclose(file) }
  var all: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&part, 1, part.count, file)
    if count == 0 { return all }
    all += part[..<count]
  }
}
