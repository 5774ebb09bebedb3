import SystemPackage
import Tensors
import TestSupport
import Testing

@testable import GGUF

/// A file that breaks one rule, and what its refusal must say.
struct BadFile: Sendable, CustomTestStringConvertible {
  let name: String
  let words: [String]
  let bytes: @Sendable () -> [UInt8]

  var testDescription: String { name }

  init(_ name: String, saying words: String..., bytes: @escaping @Sendable () -> [UInt8]) {
    self.name = name
    self.words = words
    self.bytes = bytes
  }

  /// A sound file of two tensors, spoilt.
  init(
    _ name: String,
    saying words: String...,
    spoiling: @escaping @Sendable (inout RawGGUF) -> Void
  ) {
    self.name = name
    self.words = words
    bytes = {
      var file = BadFile.sound
      spoiling(&file)
      return file.bytes
    }
  }

  static var sound: RawGGUF { .sound([("a", [5, 3]), ("b", [8])]) }
}

/// The cases of llama.cpp's `test-gguf`, those behind the known attacks, and those of our own rules.
@Suite("GGUF files that are refused")
struct HeaderRefusalTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("the file that the others are made from is read")
  func sound() throws {
    try folder.write(BadFile.sound.bytes, to: "x.gguf")
    let file = try GGUFReader(folder("x.gguf"))
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(file.tensors.map(\.shape) == [[3, 5], [8]])
    #expect(try file.bytes(ofTensor: 1) == Array(64..<96))
    #expect(file.header.warnings == [])
  }

  @Test(
    "a bad file is refused with file, place and reason",
    arguments: start + metadata + tensors + attacks
  )
  func refused(bad: BadFile) throws {
    try folder.write(bad.bytes(), to: "x.gguf")
    let error = #expect(throws: GGUFError.self) { try GGUFReader(folder("x.gguf")) }
    let text = error?.description ?? ""
    for word in ["\(folder("x.gguf")): "] + bad.words {
      #expect(text.contains(word), "no '\(word)' in: \(text)")
    }
  }

  @Test("cut anywhere, a file is refused; only the last padding may be missing")
  func cut() throws {
    var file = RawGGUF.sound(
      [("a", [5, 3]), ("b", [3])],
      keys: [
        RawGGUF.array("x", of: 8, 2, RawGGUF.string("one") + RawGGUF.string("two")),
        RawGGUF.array("y", of: 5, 3, [UInt8](repeating: 7, count: 12)),
      ]
    )
    file.version = 2
    let bytes = file.bytes
    for count in 0..<bytes.count - 20 {
      try folder.write(Array(bytes[..<count]), to: "x.gguf")
      let error = #expect(throws: GGUFError.self, "\(count)") {
        try GGUFReader(folder("x.gguf"))
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("x.gguf"))
    }
    for count in bytes.count - 20..<bytes.count {
      try folder.write(Array(bytes[..<count]), to: "x.gguf")
      let file = try GGUFReader(folder("x.gguf"))
      #expect(file.header.warnings.count == 1)
      #expect(file.header.warnings[0].contains("padding behind the last tensor, 'b', is missing"))
    }
    try folder.write(bytes, to: "x.gguf")
    #expect(try GGUFReader(folder("x.gguf")).header.warnings == [])
  }

  // MARK: - The start

  static let start: [BadFile] = [
    BadFile("EMPTY", saying: "an empty file", "byte 0") { [] },
    BadFile("BAD_MAGIC", saying: "'GGUF' expected", "46 47 47 55") {
      $0.magic = Array("FGGU".utf8)
    },
    BadFile("a file of before GGUF", saying: "before GGUF", "convert the original") {
      $0.magic = Array("tjgg".utf8)
    },
    BadFile("a safetensors file", saying: "is this a GGUF file?") {
      RawSafetensors.file("{}")
    },
    BadFile("a Git LFS pointer", saying: "git lfs pull") {
      Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n".utf8)
    },
    BadFile("only the magic", saying: "the version", "download complete") { Array("GGUF".utf8) },
    BadFile("BAD_VERSION_0", saying: "version 0", "damaged") { $0.version = 0 },
    BadFile("BAD_VERSION_1", saying: "version 1", "convert the original model again") {
      $0.version = 1
    },
    BadFile("BAD_VERSION_FUTURE", saying: "version 4", "newer moepack") { $0.version = 4 },
    BadFile("big-endian", saying: "big-endian", "version 3", "gguf-convert-endian") {
      $0.version = UInt32(3).byteSwapped
    },
    BadFile("BAD_N_TENSORS", saying: "number of tensors", "18446744073709551615") {
      $0.claimedTensors = .max
    },
    BadFile("more tensors than any file", saying: "1048577", "1048576") {
      $0.claimedTensors = 1 << 20 + 1
    },
    BadFile("more tensors than bytes", saying: "number of tensors of 1000", "24000") {
      $0.claimedTensors = 1000
    },
    BadFile("BAD_N_KV", saying: "number of keys", "9223372036854775808") {
      $0.claimedKeys = 1 << 63
    },
    BadFile("more keys than any file", saying: "1048577") { $0.claimedKeys = 1 << 20 + 1 },
    BadFile("more keys than bytes", saying: "number of keys of 1048576") {
      $0.claimedKeys = 1 << 20
    },
    BadFile("one key too many", saying: "byte") { $0.claimedKeys = 2 },
    BadFile("one tensor too many", saying: "byte") { $0.claimedTensors = 3 },
  ]

  // MARK: - Metadata

  private static func value(_ type: UInt32, _ bytes: [UInt8]) -> [[UInt8]] {
    [RawGGUF.pair("general.name", type, bytes)]
  }

  static let metadata: [BadFile] = [
    BadFile("BAD_KEY_SIZE", saying: "key 1", "18446744073709551615") {
      $0.keys = [RawGGUF.string("x", claimed: .max) + [0, 0, 0, 0, 0]]
    },
    BadFile("a key longer than the format has them", saying: "key 1", "65536", "65535") {
      $0.keys = [RawGGUF.pair(String(repeating: "k", count: 65_536), 1)]
    },
    BadFile("an empty key", saying: "byte 24", "key 1 is empty") {
      $0.keys = [RawGGUF.pair("", 1)]
    },
    BadFile("a NUL in a key", saying: "NUL") { $0.keys = [RawGGUF.pair("a\0b", 1)] },
    BadFile("a key that is not UTF-8", saying: "key 1 is not UTF-8", "byte 32") {
      $0.keys = [RawGGUF.string(bytes: [0x61, 0xFF]) + .littleEndian(UInt32(0)) + [1]]
    },
    BadFile("DUPLICATE_KEY", saying: "general.architecture", "twice") {
      $0.keys.append(RawGGUF.pair("general.architecture", "other"))
    },
    BadFile("BAD_TYPE", saying: "general.name", "value type 13") { $0.keys = value(13, [0]) },
    BadFile("a negative type", saying: "value type 4294967295") { $0.keys = value(.max, [0]) },
    BadFile("a type that lies: a string that is a number", saying: "general.name") {
      $0.keys = value(8, .littleEndian(UInt32.max))
    },
    BadFile("a type that lies: a number that is a string", saying: "byte") {
      $0.keys = value(4, RawGGUF.string("a name")) + [RawGGUF.pair("x", 1)]
    },
    BadFile("a truth value of 2", saying: "general.name", "truth value 2") {
      $0.keys = value(7, [2])
    },
    BadFile("a truth value of 255 in an array", saying: "element 1 of 'x'", "255") {
      $0.keys = [RawGGUF.array("x", of: 7, 3, [1, 255, 0])]
    },
    BadFile("a string past the end", saying: "the value of 'general.name'", "1000000") {
      $0.keys = value(8, RawGGUF.string("x", claimed: 1_000_000))
    },
    BadFile("a string over the limit", saying: "67108865", "67108864") {
      $0.keys = value(8, RawGGUF.string("x", claimed: 64 << 20 + 1))
    },
    BadFile("a string of 2^64 - 1 bytes", saying: "18446744073709551615") {
      $0.keys = value(8, RawGGUF.string("x", claimed: .max))
    },
    BadFile("a value that is not UTF-8", saying: "general.name", "not UTF-8") {
      $0.keys = value(8, RawGGUF.string(bytes: [0xC3]))
    },
    BadFile("an element that is not UTF-8", saying: "element 1 of 'x'", "not UTF-8") {
      $0.keys = [
        RawGGUF.array("x", of: 8, 2, RawGGUF.string("é") + RawGGUF.string(bytes: [0xC3]))
      ]
    },
    BadFile("an array of arrays", saying: "'x'", "array of arrays") {
      $0.keys = [RawGGUF.array("x", of: 9, 1, .littleEndian(UInt32(4)) + .littleEndian(UInt64(0)))]
    },
    BadFile("deep nesting", saying: "'x'", "array of arrays") {
      let level = [UInt8].littleEndian(UInt32(9)) + .littleEndian(UInt64(1))
      $0.keys = [RawGGUF.pair("x", 9, (0..<100_000).flatMap { _ in level })]
    },
    BadFile("an array of an unknown type", saying: "'x'", "value type 77") {
      $0.keys = [RawGGUF.array("x", of: 77, 1, [0])]
    },
    BadFile("an array of 2^63 elements", saying: "'x'", "9223372036854775808", "134217728") {
      $0.keys = [RawGGUF.array("x", of: 0, 1 << 63, [0])]
    },
    BadFile("an array of 2^61 elements of eight bytes", saying: "2305843009213693952") {
      $0.keys = [RawGGUF.array("x", of: 10, 1 << 61, [0])]
    },
    BadFile("an array past the end", saying: "the elements of 'x'", "800000") {
      $0.keys = [RawGGUF.array("x", of: 10, 100_000, [0])]
    },
    BadFile("more strings than bytes", saying: "the elements of 'x'", "1073741824") {
      $0.keys = [RawGGUF.array("x", of: 8, 1 << 27, RawGGUF.string("a"))]
    },
    BadFile("BAD_ALIGN: 0", saying: "general.alignment is 0") {
      $0.keys = [RawGGUF.pair("general.alignment", 0)]
    },
    BadFile("BAD_ALIGN: no power of two", saying: "general.alignment is 48") {
      $0.keys = [RawGGUF.pair("general.alignment", 48)]
    },
    BadFile("BAD_ALIGN: 4", saying: "general.alignment is 4") {
      $0.keys = [RawGGUF.pair("general.alignment", 4)]
    },
    BadFile("an alignment of 2^31", saying: "general.alignment is 2147483648") {
      $0.keys = [RawGGUF.pair("general.alignment", 1 << 31)]
    },
    BadFile("an alignment of another type", saying: "general.alignment", "i32", "u32") {
      $0.keys = [RawGGUF.pair("general.alignment", 5, .littleEndian(Int32(32)))]
    },
    BadFile("an alignment that is text", saying: "general.alignment", "str") {
      $0.keys = [RawGGUF.pair("general.alignment", "32")]
    },
  ]

  // MARK: - Tensors

  /// The two tensors with the second replaced.
  private static func second(_ entry: [UInt8]) -> @Sendable (inout RawGGUF) -> Void {
    { $0.tensors[1] = entry }
  }

  static let tensors: [BadFile] = [
    BadFile(
      "BAD_NAME_SIZE",
      saying: "name of tensor 2",
      "64",
      "63",
      spoiling: second(RawGGUF.tensor(String(repeating: "n", count: 64), [8], at: 64))
    ),
    BadFile(
      "a name of 2^64 - 1 bytes",
      saying: "name of tensor 2",
      spoiling: second(RawGGUF.string("x", claimed: .max))
    ),
    BadFile(
      "a name that is not UTF-8",
      saying: "name of tensor 2",
      "UTF-8",
      spoiling: second(
        RawGGUF.string(bytes: [0xFF]) + Array(RawGGUF.tensor("", [8], at: 64).dropFirst(8))
      )
    ),
    BadFile(
      "a NUL in a name",
      saying: "NUL",
      spoiling: second(RawGGUF.tensor("b\0", [8], at: 64))
    ),
    BadFile(
      "BAD_N_DIMS",
      saying: "'b'",
      "5 axes",
      spoiling: second(RawGGUF.tensor("b", [1, 1, 1, 1, 8], at: 64))
    ),
    BadFile(
      "2^32 - 1 axes",
      saying: "'b'",
      "4294967295 axes",
      spoiling: second(RawGGUF.tensor("b", [8], at: 64, axes: .max))
    ),
    BadFile(
      "BAD_SHAPE",
      saying: "'b'",
      "-1 elements",
      spoiling: second(RawGGUF.tensor("b", [8, -1], at: 64))
    ),
    BadFile(
      "a size of -2^63",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [.min], at: 64))
    ),
    BadFile(
      "NE_TOO_BIG",
      saying: "'b'",
      "more elements than can be counted",
      spoiling: second(RawGGUF.tensor("b", [1 << 32, 1 << 32], at: 64))
    ),
    BadFile(
      "a product that wraps to zero beside an empty axis",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [0, 1 << 40, 1 << 40], at: 64))
    ),
    BadFile(
      "NE_TOO_BIG of an unknown type",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [1 << 40, 1 << 40], type: 99, at: 64))
    ),
    BadFile(
      "NBYTES_TOO_BIG",
      saying: "'b'",
      "more bytes than can be counted",
      spoiling: second(RawGGUF.tensor("b", [1 << 61], at: 64))
    ),
    BadFile(
      "rows that are no whole blocks",
      saying: "'b'",
      "33",
      "Q8_0's block of 32",
      spoiling: second(RawGGUF.tensor("b", [33], type: 8, at: 64))
    ),
    BadFile(
      "an axis of no size before rows that are no whole blocks",
      saying: "Q4_K's block of 256",
      spoiling: second(RawGGUF.tensor("b", [32, 0], type: 12, at: 64))
    ),
    BadFile(
      "DUPLICATE_NAME",
      saying: "'a'",
      "twice",
      spoiling: second(RawGGUF.tensor("a", [8], at: 64))
    ),
    BadFile(
      "BAD_OFFSET: past the end",
      saying: "'b'",
      "32 bytes from byte 96",
      "has 96",
      "download",
      spoiling: second(RawGGUF.tensor("b", [8], at: 96))
    ),
    BadFile(
      "an offset of 2^64 - 32",
      saying: "'b'",
      "18446744073709551584",
      spoiling: second(RawGGUF.tensor("b", [8], at: .max - 31))
    ),
    BadFile(
      "an offset that wraps with the start of the data",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [8], at: 1 << 63 - 128))
    ),
    BadFile(
      "BAD_ALIGN: an offset",
      saying: "'b'",
      "65",
      "alignment, 32",
      spoiling: second(RawGGUF.tensor("b", [8], at: 65))
    ),
    BadFile("INCONSISTENT_ALIGN", saying: "'b'", "alignment, 64") {
      $0 = .sound([("a", [8]), ("b", [8])], keys: [RawGGUF.pair("general.alignment", 64)])
      $0.alignment = 64
    },
    BadFile(
      "two tensors in one place",
      saying: "'a'",
      "'b'",
      "share bytes",
      spoiling: second(RawGGUF.tensor("b", [8], at: 0))
    ),
    BadFile(
      "two tensors that overlap",
      saying: "'a'",
      "'b'",
      "share bytes",
      spoiling: second(RawGGUF.tensor("b", [8], at: 32))
    ),
    BadFile("NOT_ENOUGH_DATA", saying: "'b'", "has 88", "download") {
      $0.data.removeLast(8)
    },
    BadFile("no data at all", saying: "'a'", "has 0") { $0.data = [] },
    BadFile("DATA BAD_ALIGN: the data not padded to", saying: "'b'", "has") {
      $0.alignment = 1
    },
  ]

  // MARK: - Attacks

  static let attacks: [BadFile] = [
    BadFile(
      "CVE-2024-21802: n_tensors times the size of an entry wraps",
      saying: "number of tensors"
    ) {
      $0.claimedTensors = .max / 24 + 2
    },
    BadFile("CVE-2024-21836: n_kv times the size of a pair wraps", saying: "number of keys") {
      $0.claimedKeys = .max / 14 + 2
    },
    BadFile("CVE-2024-23496: a string's length plus one wraps", saying: "key 1") {
      $0.keys = [RawGGUF.string("", claimed: .max)]
    },
    BadFile("CVE-2024-21825: an array's bytes wrap", saying: "'x'") {
      $0.keys = [RawGGUF.array("x", of: 10, 1 << 61 + 1, [0])]
    },
    BadFile("CVE-2025-53630: sizes whose sum wraps", saying: "'a'") {
      $0.tensors = (0..<4).map {
        RawGGUF.tensor(["a", "b", "c", "d"][$0], [1 << 60 - 8], at: UInt64($0) << 62)
      }
    },
    BadFile("CVE-2026-27940: a data section of 2^63", saying: "'a'") {
      $0.tensors = [RawGGUF.tensor("a", [1 << 62 - 1], type: 24), RawGGUF.tensor("b", [1], at: 32)]
    },
    BadFile("PR 18674: 2^42 + 1 elements squared", saying: "'a'") {
      $0.tensors = [RawGGUF.tensor("a", [1 << 42 + 1, 1 << 42 + 1])]
    },
    BadFile("GHSA-96jg: an alignment of 2^31", saying: "general.alignment") {
      $0.keys = [RawGGUF.pair("general.alignment", 1 << 31)]
    },
    BadFile("CVE-2025-62609: an offset far outside", saying: "'b'", "1099511627776") {
      $0.tensors[1] = RawGGUF.tensor("b", [8], at: 1 << 40)
    },
    BadFile("CVE-2026-7482: a tensor larger than the file", saying: "'a'", "4194304 bytes") {
      $0.tensors = [RawGGUF.tensor("a", [1024, 1024])]
    },
    BadFile("CVE-2026-53923: sizes that fit if cut to 32 bits", saying: "'b'") {
      $0.tensors[1] = RawGGUF.tensor("b", [1 << 32 + 8], at: 64)
    },
    BadFile("Ollama 17042: an array as large as the memory", saying: "the elements of 'x'") {
      $0.keys = [RawGGUF.array("x", of: 0, 1 << 27, [0])]
    },
    BadFile("PR 27188: 2^63 in every length", saying: "number of") {
      $0.claimedTensors = 1 << 63
      $0.claimedKeys = 1 << 63
    },
  ]
}
