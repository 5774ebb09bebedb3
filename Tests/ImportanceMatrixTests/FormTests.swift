import GGUF
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import ImportanceMatrix

@Suite("Importance matrices: both forms of the file")
struct FormTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("what was written is read again, entries by name")
  func roundTrip() throws {
    try Samples.matrix.write(to: folder("x.gguf"))
    let read = try ImportanceMatrix(reading: folder("x.gguf"))
    #expect(read.form == .gguf)
    #expect(read.datasets == ["a.txt", "ü.jsonl"])
    #expect(read.chunkCount == 3 && read.chunkSize == 512)
    #expect(read.entries == [Samples.entries[1], Samples.entries[0]])
    #expect(read["blk.0.attn_q.weight"] == Samples.entries[1])
    #expect(read["blk.0.attn_k.weight"] == nil)
    #expect(folder.names == ["x.gguf"])
  }

  @Test("the bytes are those of llama-imatrix: order of keys, types, tensors by name, dropped axes")
  func bytes() throws {
    let matrix = ImportanceMatrix(
      datasets: ["a.txt"],
      chunkCount: 3,
      chunkSize: 512,
      entries: Samples.entries
    )
    try matrix.write(to: folder("x.gguf"))
    let expected = Samples.gguf(
      Samples.keys,
      [
        ("blk.0.attn_q.weight.in_sum2", [3], [8, 0.5, 1e-3]),
        ("blk.0.attn_q.weight.counts", [1], [8]),
        ("blk.0.ffn_up_exps.weight.in_sum2", [3, 2], [2, 4, 6, 0, 0, 0]),
        ("blk.0.ffn_up_exps.weight.counts", [1, 2], [2, 0]),
      ]
    )
    #expect(try folder.bytes(of: "x.gguf") == expected)
  }

  @Test("other tensors are left alone, counts stay as they stand, one may be for all")
  func tolerance() throws {
    try folder.write(
      Samples.gguf(
        Samples.keys + [RawGGUF.pair("imatrix.n_layer_nextn", 0)],
        [
          ("a.in_sum", [2], [-1, 2]), ("a.in_sum2", [2, 1, 1], [1, 4]), ("a.counts", [1], [2.4]),
          ("b.in_sum2", [2, 3], [1, 2, 3, 4, 5, 6]), ("b.counts", [1, 1], [2]),
        ]
      ),
      to: "x.gguf"
    )
    let read = try ImportanceMatrix(reading: folder("x.gguf"))
    #expect(read["a"]?.counts == [2.4])
    #expect(try read.weights(for: "a", columns: 2) == [1 / 2.4 as Float, 4 / 2.4 as Float])
    #expect(try read.weights(for: "b", expert: 2, of: 3, columns: 2) == [2.5, 3])
  }

  @Test("names that differ in their bytes only are two, in both forms")
  func namesByBytes() throws {
    let (one, two) = ("\u{E9}", "e\u{301}")
    let entries = [
      ImportanceMatrix.Entry(name: one, sums: [1], counts: [1]),
      ImportanceMatrix.Entry(name: two, sums: [4], counts: [2]),
    ]
    try ImportanceMatrix(datasets: [], chunkCount: 1, chunkSize: 1, entries: entries)
      .write(to: folder("x.gguf"))
    try folder.write(
      .littleEndian(Int32(2)) + Samples.legacyEntry(one, calls: 1, [1])
        + Samples.legacyEntry(two, calls: 2, [4]),
      to: "x.dat"
    )
    for name in ["x.gguf", "x.dat"] {
      let read = try ImportanceMatrix(reading: folder(name))
      #expect(read.entries.count == 2)
      #expect(read[one]?.sums == [1] && read[two]?.sums == [4])
      #expect(try read.weights(for: two, columns: 1) == [2])
    }
  }

  @Test("the legacy form, with and without what may follow the entries")
  func legacy() throws {
    let whole = Samples.legacy
    for (count, chunks, datasets) in [
      (whole.count, 7, ["a.txt"]), (whole.count - 9, 7, []), (whole.count - 13, 0, []),
    ] {
      try folder.write(Array(whole[..<count]), to: "x.dat")
      let read = try ImportanceMatrix(reading: folder("x.dat"))
      #expect(read.form == .legacy && read.chunkSize == 0)
      #expect(read.chunkCount == chunks && read.datasets == datasets)
      #expect(
        read.entries == [
          ImportanceMatrix.Entry(name: "blk.0.attn_q.weight", sums: [8, 2], counts: [4]),
          ImportanceMatrix.Entry(
            name: "blk.0.ffn_up_exps.weight",
            sums: [1, 2, 3, 4],
            counts: [0]
          ),
        ]
      )
    }
  }

  @Test("a writer goes on with an earlier one's file, and refuses other bytes there")
  func resumed() throws {
    let shapes = Samples.entries.map {
      ImportanceMatrixWriter.Shape(
        name: $0.name,
        columns: $0.sumsPerCount,
        experts: $0.counts.count
      )
    }
    func writer() throws -> ImportanceMatrixWriter {
      try ImportanceMatrixWriter(
        replacing: folder("x.gguf"),
        datasets: ["a.txt", "ü.jsonl"],
        chunkCount: 3,
        chunkSize: 512,
        shapes: shapes,
        isResumable: true
      )
    }
    let (first, second) = (Samples.entries[0], Samples.entries[1])
    var checksums: [UInt64] = []
    do {
      let writer = try writer()
      try writer.write(first.name, sums: first.sums, counts: first.counts)
      try writer.sync()
      checksums = try writer.checksums(of: first.name)
      #expect(checksums == first.checksums)
    }
    #expect(folder.names == ["x.gguf.partial"])
    do {
      let writer = try writer()
      #expect(throws: StorageError.self) {
        try writer.confirm(first.name, checksums: [checksums[0], 0])
      }
    }
    let writer = try writer()
    try writer.confirm(first.name, checksums: checksums)
    #expect(throws: GGUFError.self) { try writer.finish() }
    try writer.write(second.name, sums: second.sums, counts: second.counts)
    try writer.finish()
    try Samples.matrix.write(to: folder("y.gguf"))
    #expect(try folder.bytes(of: "x.gguf") == folder.bytes(of: "y.gguf"))
  }

  @Test("the size foretold bounds the file's")
  func byteCount() throws {
    try Samples.matrix.write(to: folder("x.gguf"))
    let shapes = Samples.matrix.entries.map {
      ImportanceMatrixWriter.Shape(
        name: $0.name,
        columns: $0.sumsPerCount,
        experts: $0.counts.count
      )
    }
    #expect(try folder.bytes(of: "x.gguf").count <= ImportanceMatrixWriter.byteCount(shapes))
  }
}
