import ImportanceMatrix
import TestSupport

/// Importance matrices put together by hand.
enum Samples {
  /// Two experts of three channels, the second without tokens, and a single matrix.
  static let entries = [
    ImportanceMatrix.Entry(
      name: "blk.0.ffn_up_exps.weight",
      sums: [2, 4, 6, 0, 0, 0],
      counts: [2, 0]
    ),
    ImportanceMatrix.Entry(name: "blk.0.attn_q.weight", sums: [8, 0.5, 1e-3], counts: [8]),
  ]

  static let matrix = ImportanceMatrix(
    datasets: ["a.txt", "ü.jsonl"],
    chunkCount: 3,
    chunkSize: 512,
    entries: entries
  )

  /// One entry of a legacy file.
  static func legacyEntry(_ name: String, calls: Int32, _ values: [Float], claimed: Int32? = nil)
    -> [UInt8]
  {
    .littleEndian(Int32(name.utf8.count)) + Array(name.utf8) + .littleEndian(calls)
      + .littleEndian(claimed ?? Int32(values.count))
      + values.flatMap { [UInt8].littleEndian($0.bitPattern) }
  }

  /// A legacy file of two entries, with all that may follow them.
  static var legacy: [UInt8] {
    .littleEndian(Int32(2)) + legacyEntry("blk.0.attn_q.weight", calls: 4, [8, 2])
      + legacyEntry("blk.0.ffn_up_exps.weight", calls: 0, [1, 2, 3, 4])
      + .littleEndian(Int32(7)) + .littleEndian(Int32(5)) + Array("a.txt".utf8)
  }

  /// A GGUF file with these keys and tensors of F32 [name, sizes innermost first, values].
  static func gguf(_ keys: [[UInt8]], _ tensors: [(String, [Int64], [Float])]) -> [UInt8] {
    var file = RawGGUF()
    file.keys = keys
    for (name, sizes, values) in tensors {
      file.tensors.append(RawGGUF.tensor(name, sizes, at: UInt64(file.data.count)))
      file.data += values.flatMap { [UInt8].littleEndian($0.bitPattern) }
      while file.data.count % 32 != 0 { file.data.append(0) }
    }
    return file.bytes
  }

  /// Keys as `llama-imatrix` writes them.
  static let keys: [[UInt8]] = [
    RawGGUF.pair("general.type", "imatrix"),
    RawGGUF.array("imatrix.datasets", of: 8, 1, RawGGUF.string("a.txt")),
    RawGGUF.pair("imatrix.chunk_count", 3), RawGGUF.pair("imatrix.chunk_size", 512),
  ]
}
