// codec FILE OFFSET BYTES: times the coding of BF16 bytes as packs hold them, on one thread.
//
// Words: encode, decode, copy. Hashes are made and checked as the pack's writer and reader do.

import Glibc
import Worker

let words = CommandLine.arguments
guard words.count == 4, let offset = Int(words[2]), let count = Int(words[3]) else {
  fail("usage: codec FILE OFFSET BYTES")
}
var coding = Coding(bytes(of: words[1], offset..<offset + count))
serve { word in
  switch word {
  case "encode":
    let (seconds, chunks) = try timed { try coding.encoded() }
    coding.chunks = chunks
    return ["seconds": seconds, "bytes": Double(chunks.reduce(0) { $0 + $1.bytes.count })]
  case "decode":
    let seconds = try timed { try coding.decode() }.seconds
    if coding.decoded != coding.plain { fail("decoded bytes are not the plain ones") }
    return ["seconds": seconds]
  case "copy": return ["seconds": timed { coding.copy() }.seconds]
  default: fail("unknown word '\(word)'")
  }
}

/// A piece of a file in memory.
func bytes(of path: String, _ range: Range<Int>) -> [UInt8] {
  let descriptor = open(path, O_RDONLY)
  if descriptor < 0 { fail("\(path): \(String(cString: strerror(errno)))") }
  defer { close(descriptor) }
  return [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
    while filled < range.count {
      let rest = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
      let got = pread(descriptor, rest.baseAddress, rest.count, off_t(range.lowerBound + filled))
      if got <= 0 { fail("\(path): shorter than \(range.upperBound) bytes") }
      filled += got
    }
  }
}
