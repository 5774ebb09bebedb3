extension BadGGUF {
  /// The two tensors with the second replaced.
  private static func second(_ entry: [UInt8]) -> @Sendable (inout RawGGUF) -> Void {
    { $0.tensors[1] = entry }
  }

  /// The list of tensors, and the data.
  static let tensors: [BadGGUF] = [
    BadGGUF(
      "BAD_NAME_SIZE",
      saying: "name of tensor 2",
      "64",
      "63",
      spoiling: second(RawGGUF.tensor(String(repeating: "n", count: 64), [8], at: 64))
    ),
    BadGGUF(
      "a name of 2^64 - 1 bytes",
      saying: "name of tensor 2",
      spoiling: second(RawGGUF.string("x", claimed: .max))
    ),
    BadGGUF(
      "a name that is not UTF-8",
      saying: "name of tensor 2",
      "UTF-8",
      spoiling: second(
        RawGGUF.string(bytes: [0xFF]) + Array(RawGGUF.tensor("", [8], at: 64).dropFirst(8))
      )
    ),
    BadGGUF(
      "a NUL in a name",
      saying: "NUL",
      spoiling: second(RawGGUF.tensor("b\0", [8], at: 64))
    ),
    BadGGUF(
      "BAD_N_DIMS",
      saying: "byte 109",
      "'b'",
      "5 axes",
      spoiling: second(RawGGUF.tensor("b", [1, 1, 1, 1, 8], at: 64))
    ),
    BadGGUF(
      "2^32 - 1 axes",
      saying: "'b'",
      "4294967295 axes",
      spoiling: second(RawGGUF.tensor("b", [8], at: 64, axes: .max))
    ),
    BadGGUF(
      "BAD_SHAPE",
      saying: "byte 109",
      "'b'",
      "-1 elements",
      spoiling: second(RawGGUF.tensor("b", [8, -1], at: 64))
    ),
    BadGGUF(
      "a size of -2^63",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [.min], at: 64))
    ),
    BadGGUF(
      "NE_TOO_BIG",
      saying: "'b'",
      "byte 109",
      "more elements or bits than can be counted",
      "download or convert it again",
      spoiling: second(RawGGUF.tensor("b", [1 << 32, 1 << 32], at: 64))
    ),
    BadGGUF(
      "a product that wraps to zero beside an empty axis",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [0, 1 << 40, 1 << 40], at: 64))
    ),
    BadGGUF(
      "the same, the empty axis outermost",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [1 << 40, 1 << 40, 0], at: 64))
    ),
    BadGGUF(
      "NE_TOO_BIG of an unknown type",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [1 << 40, 1 << 40], type: 99, at: 64))
    ),
    BadGGUF(
      "NBYTES_TOO_BIG",
      saying: "'b'",
      "more elements or bits than can be counted",
      spoiling: second(RawGGUF.tensor("b", [1 << 61], at: 64))
    ),
    BadGGUF(
      "rows that are no whole blocks",
      saying: "'b'",
      "33",
      "Q8_0's block of 32",
      spoiling: second(RawGGUF.tensor("b", [33], type: 8, at: 64))
    ),
    BadGGUF(
      "an axis of no size before rows that are no whole blocks",
      saying: "Q4_K's block of 256",
      spoiling: second(RawGGUF.tensor("b", [32, 0], type: 12, at: 64))
    ),
    BadGGUF(
      "DUPLICATE_NAME",
      saying: "byte 109",
      "'a'",
      "twice",
      spoiling: second(RawGGUF.tensor("a", [8], at: 64))
    ),
    BadGGUF(
      "BAD_OFFSET: past the end",
      saying: "'b'",
      "32 bytes from byte 96",
      "has 96",
      "download",
      spoiling: second(RawGGUF.tensor("b", [8], at: 96))
    ),
    BadGGUF(
      "an offset of 2^64 - 32",
      saying: "'b'",
      "18446744073709551584",
      spoiling: second(RawGGUF.tensor("b", [8], at: .max - 31))
    ),
    BadGGUF(
      "an offset that wraps with the start of the data",
      saying: "'b'",
      spoiling: second(RawGGUF.tensor("b", [8], at: 1 << 63 - 128))
    ),
    BadGGUF(
      "BAD_ALIGN: an offset",
      saying: "byte 109",
      "'b'",
      "65",
      "alignment, 32",
      spoiling: second(RawGGUF.tensor("b", [8], at: 65))
    ),
    BadGGUF("INCONSISTENT_ALIGN", saying: "'b'", "alignment, 64") {
      $0 = .sound([("a", [8]), ("b", [8])], keys: [RawGGUF.pair("general.alignment", 64)])
      $0.alignment = 64
    },
    BadGGUF(
      "two tensors in one place",
      saying: "'a'",
      "'b'",
      "share bytes",
      spoiling: second(RawGGUF.tensor("b", [8], at: 0))
    ),
    BadGGUF(
      "two tensors that overlap",
      saying: "'a'",
      "'b'",
      "share bytes",
      spoiling: second(RawGGUF.tensor("b", [8], at: 32))
    ),
    BadGGUF("NOT_ENOUGH_DATA", saying: "'b'", "has 88", "download") {
      $0.data.removeLast(8)
    },
    BadGGUF("no data at all", saying: "'a'", "has 0") { $0.data = [] },
    BadGGUF("DATA BAD_ALIGN: the data not padded to", saying: "'b'", "has") {
      $0.alignment = 1
    },
  ]
}
