// blocks FILE TENSOR ROWS OUTPUT: times ggml's block types on the first rows of a matrix of a
// safetensors file, on one thread.
//
// Words: encode TYPE, encode-weighted TYPE, decode TYPE; what is decoded is what was encoded last.
// Encoding answers with `error`, the sum of squared differences, weighted where the encoder was.
// OUTPUT receives the rows as Float32, and after them the importance of each column.

import SystemPackage
import Tensors
import Worker

let words = CommandLine.arguments
guard words.count == 5, let rows = Int(words[3]) else {
  fail("usage: blocks FILE TENSOR ROWS OUTPUT")
}
var coding = try BlockCoding(FilePath(words[1]), tensor: words[2], rows: rows)
try coding.save(FilePath(words[4]))
serve(["rows": Double(coding.rows), "columns": Double(coding.columns)]) { word in
  let parts = word.split(separator: " ").map(String.init)
  guard parts.count == 2 else { fail("unknown word '\(word)'") }
  let type = ElementType(name: parts[1])
  switch parts[0] {
  case "encode": return try coding.encode(type, isWeighted: false)
  case "encode-weighted": return try coding.encode(type, isWeighted: true)
  case "decode": return ["seconds": try coding.decode(type)]
  default: fail("unknown word '\(word)'")
  }
}
