import GGUF
import ImportanceMatrix
import Storage
import SystemPackage
import TestSupport
import Testing

/// A file that is no sound importance matrix, and what its refusal must say besides the file.
struct BadMatrix: Sendable, CustomStringConvertible {
  let description: String
  let words: [String]
  let bytes: [UInt8]

  init(_ description: String, saying words: String..., bytes: [UInt8]) {
    self.description = description
    self.words = words
    self.bytes = bytes
  }

  private static let sums: (String, [Int64], [Float]) = ("a.in_sum2", [2], [1, 4])
  private static let counts: (String, [Int64], [Float]) = ("a.counts", [1], [2])

  private static func keys(without place: Int, _ other: [UInt8]? = nil) -> [[UInt8]] {
    Samples.keys.enumerated().compactMap { $0 == place ? other : $1 }
  }

  private static func legacy(_ count: Int32, _ rest: [UInt8]...) -> [UInt8] {
    .littleEndian(count) + rest.joined()
  }

  private static let entry = Samples.legacyEntry("a", calls: 1, [1])

  static let gguf = [
    BadMatrix(
      "a model",
      saying: "'model'",
      "llama-imatrix",
      bytes: Samples.gguf(keys(without: 0, RawGGUF.pair("general.type", "model")), [sums, counts])
    ),
    BadMatrix(
      "no type",
      saying: "general.type",
      bytes: Samples.gguf(keys(without: 0), [sums, counts])
    ),
    BadMatrix(
      "no datasets",
      saying: "imatrix.datasets",
      "missing",
      bytes: Samples.gguf(keys(without: 1), [sums, counts])
    ),
    BadMatrix(
      "datasets that are one string",
      saying: "imatrix.datasets",
      "list",
      bytes: Samples.gguf(
        keys(without: 1, RawGGUF.pair("imatrix.datasets", "a")),
        [sums, counts]
      )
    ),
    BadMatrix(
      "no chunk count",
      saying: "imatrix.chunk_count",
      "missing",
      bytes: Samples.gguf(keys(without: 2), [sums, counts])
    ),
    BadMatrix(
      "a negative chunk count",
      saying: "imatrix.chunk_count",
      "whole number",
      bytes: Samples.gguf(
        keys(without: 2, RawGGUF.pair("imatrix.chunk_count", 5, .littleEndian(Int32(-1)))),
        [sums, counts]
      )
    ),
    BadMatrix(
      "a chunk size that is text",
      saying: "imatrix.chunk_size",
      bytes: Samples.gguf(
        keys(without: 3, RawGGUF.pair("imatrix.chunk_size", "512")),
        [sums, counts]
      )
    ),
    BadMatrix("no entries", saying: "no entries", bytes: Samples.gguf(Samples.keys, [])),
    BadMatrix(
      "sums without counts",
      saying: "'a'",
      "no counts",
      bytes: Samples.gguf(Samples.keys, [sums])
    ),
    BadMatrix(
      "counts without sums",
      saying: "'a'",
      "no sums",
      bytes: Samples.gguf(Samples.keys, [counts])
    ),
    BadMatrix(
      "an entry without a name",
      saying: "no name",
      bytes: Samples.gguf(Samples.keys, [(".in_sum2", [1], [1]), (".counts", [1], [1])])
    ),
    BadMatrix(
      "three sums for two counts",
      saying: "'a'",
      "3 sums",
      "2 counts",
      bytes: Samples.gguf(
        Samples.keys,
        [("a.in_sum2", [3], [1, 2, 3]), ("a.counts", [1, 2], [1, 1])]
      )
    ),
    BadMatrix(
      "an entry without values",
      saying: "'a'",
      "0 sums",
      bytes: Samples.gguf(Samples.keys, [("a.in_sum2", [0], []), counts])
    ),
    BadMatrix(
      "a NaN",
      saying: "'a'",
      "sum 1",
      "nan",
      bytes: Samples.gguf(Samples.keys, [("a.in_sum2", [2], [1, .nan]), counts])
    ),
    BadMatrix(
      "an infinity",
      saying: "'a'",
      "sum 0",
      "inf",
      bytes: Samples.gguf(Samples.keys, [("a.in_sum2", [2], [.infinity, 1]), counts])
    ),
    BadMatrix(
      "a negative sum",
      saying: "'a'",
      "sum 0",
      "-1",
      bytes: Samples.gguf(Samples.keys, [("a.in_sum2", [2], [-1, 1]), counts])
    ),
    BadMatrix(
      "a negative count",
      saying: "'a'",
      "count 0",
      "-2",
      bytes: Samples.gguf(Samples.keys, [sums, ("a.counts", [1], [-2])])
    ),
  ]

  static let dat = [
    BadMatrix("an empty file", saying: "byte 0", bytes: []),
    BadMatrix("an LFS pointer", saying: "git lfs", bytes: Array("version https://git-lfs".utf8)),
    BadMatrix("text", saying: "byte 0", "entries", bytes: Array("# An importance matrix".utf8)),
    BadMatrix("no entries", saying: "no entries", bytes: legacy(0)),
    BadMatrix("a negative number of entries", saying: "byte 0", "-1", bytes: legacy(-1, entry)),
    BadMatrix("more entries than bytes", saying: "byte 0", "99", bytes: legacy(99, entry)),
    BadMatrix(
      "a name without bytes",
      saying: "byte 4",
      "entry 1",
      bytes: legacy(1, Samples.legacyEntry("", calls: 1, [1, 2]))
    ),
    BadMatrix(
      "a name longer than the file",
      saying: "byte 8",
      "entry 1",
      "2147483647",
      bytes: legacy(1, .littleEndian(Int32.max), [UInt8](repeating: 65, count: 40))
    ),
    BadMatrix(
      "a name that is no text",
      saying: "byte 8",
      "UTF-8",
      bytes: legacy(1, .littleEndian(Int32(1)), [0xFF], Array(entry[5...]), [0, 0, 0, 0])
    ),
    BadMatrix(
      "a negative number of calls",
      saying: "'a'",
      "calls",
      "-5",
      bytes: legacy(1, Samples.legacyEntry("a", calls: -5, [1]))
    ),
    BadMatrix(
      "no values",
      saying: "'a'",
      "values",
      bytes: legacy(1, Samples.legacyEntry("a", calls: 1, [1], claimed: 0))
    ),
    BadMatrix(
      "more values than bytes",
      saying: "'a'",
      "8589934588 bytes",
      bytes: legacy(1, Samples.legacyEntry("a", calls: 1, [1], claimed: .max))
    ),
    BadMatrix(
      "a NaN",
      saying: "'a'",
      "value 0",
      "nan",
      bytes: legacy(1, Samples.legacyEntry("a", calls: 1, [.nan]))
    ),
    BadMatrix(
      "a negative value",
      saying: "'a'",
      "value 1",
      "-0.5",
      bytes: legacy(1, Samples.legacyEntry("a", calls: 1, [0, -0.5]))
    ),
    BadMatrix("an entry twice", saying: "'a'", "twice", bytes: legacy(2, entry, entry)),
    BadMatrix(
      "a negative number of chunks",
      saying: "chunks",
      "-1",
      bytes: legacy(1, entry, .littleEndian(Int32(-1)))
    ),
    BadMatrix(
      "bytes behind the end",
      saying: "1 bytes",
      bytes: legacy(1, entry, .littleEndian(Int32(1)), .littleEndian(Int32(0)), [0])
    ),
  ]
}

@Suite("Importance matrices: refused")
struct RefusalTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("a file that breaks a rule is refused by name and place", arguments: BadMatrix.gguf)
  func gguf(bad: BadMatrix) throws { try expectRefusal(bad) }

  @Test("so is one of the legacy form", arguments: BadMatrix.dat)
  func dat(bad: BadMatrix) throws { try expectRefusal(bad) }

  private func expectRefusal(_ bad: BadMatrix) throws {
    try folder.write(bad.bytes, to: "x.imatrix")
    var words = ""
    do {
      _ = try ImportanceMatrix(reading: folder("x.imatrix"))
      Issue.record("accepted")
    } catch let error as ImportanceMatrixError { words = "\(error)" } catch let error as GGUFError {
      words = "\(error)"
    }
    for word in bad.words + [folder("x.imatrix").string] {
      #expect(words.contains(word), "'\(word)' is not in: \(words)")
    }
  }

  @Test("a tensor of another type than F32 is refused")
  func otherType() throws {
    var file = RawGGUF()
    file.keys = Samples.keys
    file.tensors = [
      RawGGUF.tensor("a.in_sum2", [2], type: 1), RawGGUF.tensor("a.counts", [1], at: 32),
    ]
    file.data = [UInt8](repeating: 0, count: 64)
    try folder.write(file.bytes, to: "x.gguf")
    let error = #expect(throws: ImportanceMatrixError.self) {
      try ImportanceMatrix(reading: folder("x.gguf"))
    }
    #expect(error?.description.contains("F16, expected F32") == true)
  }

  @Test("cut at any byte, a file is refused or was whole but for padding or trailer")
  func truncated() throws {
    try Samples.matrix.write(to: folder("x.gguf"))
    let gguf = try folder.bytes(of: "x.gguf")
    // Of the last tensor, 8 bytes, only the padding may be missing.
    try expectRefusals(gguf, soundFrom: Set(gguf.count - 24...gguf.count))
    let dat = Samples.legacy
    try expectRefusals(dat, soundFrom: [dat.count, dat.count - 9, dat.count - 13])
  }

  private func expectRefusals(_ whole: [UInt8], soundFrom sound: Set<Int>) throws {
    for count in 0...whole.count {
      try folder.write(Array(whole[..<count]), to: "cut")
      do {
        _ = try ImportanceMatrix(reading: folder("cut"))
        #expect(sound.contains(count), "accepted at \(count) of \(whole.count)")
      } catch {
        #expect(!sound.contains(count), "refused at \(count) of \(whole.count): \(error)")
        #expect(error is ImportanceMatrixError || error is GGUFError)
        #expect("\(error)".contains(folder("cut").string), "\(error)")
      }
    }
  }

  @Test("spoilt at any byte, a file is refused by name or read")
  func spoilt() throws {
    try Samples.matrix.write(to: folder("x.gguf"))
    for whole in [try folder.bytes(of: "x.gguf"), Samples.legacy] {
      for place in whole.indices {
        for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
          var bytes = whole
          bytes[place] = value
          try folder.write(bytes, to: "spoilt")
          do {
            let matrix = try ImportanceMatrix(reading: folder("spoilt"))
            #expect(matrix.entries.allSatisfy { $0.sums.allSatisfy { $0 >= 0 && $0.isFinite } })
          } catch {
            #expect(error is ImportanceMatrixError || error is GGUFError)
            #expect("\(error)".contains(folder("spoilt").string), "\(error)")
          }
        }
      }
    }
  }
}
