extension BadGGUF {
  /// What broke other readers.
  static let attacks: [BadGGUF] = [
    BadGGUF(
      "CVE-2024-21802: n_tensors times the size of an entry wraps",
      saying: "number of tensors"
    ) {
      $0.claimedTensors = .max / 24 + 2
    },
    BadGGUF("CVE-2024-21836: n_kv times the size of a pair wraps", saying: "number of keys") {
      $0.claimedKeys = .max / 14 + 2
    },
    BadGGUF("CVE-2024-23496: a string's length plus one wraps", saying: "key 1") {
      $0.keys = [RawGGUF.string("", claimed: .max)]
    },
    BadGGUF("CVE-2024-21825: an array's bytes wrap", saying: "'x'") {
      $0.keys = [RawGGUF.array("x", of: 10, 1 << 61 + 1, [0])]
    },
    BadGGUF("CVE-2025-53630: sizes whose sum wraps", saying: "'a'") {
      $0.tensors = (0..<4).map {
        RawGGUF.tensor(["a", "b", "c", "d"][$0], [1 << 60 - 8], at: UInt64($0) << 62)
      }
    },
    BadGGUF("CVE-2026-27940: a data section of 2^63", saying: "'a'") {
      $0.tensors = [RawGGUF.tensor("a", [1 << 62 - 1], type: 24), RawGGUF.tensor("b", [1], at: 32)]
    },
    BadGGUF("PR 18674: 2^42 + 1 elements squared", saying: "'a'") {
      $0.tensors = [RawGGUF.tensor("a", [1 << 42 + 1, 1 << 42 + 1])]
    },
    BadGGUF("GHSA-96jg: an alignment of 2^31", saying: "general.alignment") {
      $0.keys = [RawGGUF.pair("general.alignment", 1 << 31)]
    },
    BadGGUF("CVE-2025-62609: an offset far outside", saying: "'b'", "1099511627776") {
      $0.tensors[1] = RawGGUF.tensor("b", [8], at: 1 << 40)
    },
    BadGGUF("CVE-2026-7482: a tensor larger than the file", saying: "'a'", "4194304 bytes") {
      $0.tensors = [RawGGUF.tensor("a", [1024, 1024])]
    },
    BadGGUF("CVE-2026-53923: sizes that fit if cut to 32 bits", saying: "'b'") {
      $0.tensors[1] = RawGGUF.tensor("b", [1 << 32 + 8], at: 64)
    },
    BadGGUF("Ollama 17042: an array as large as the memory", saying: "the elements of 'x'") {
      $0.keys = [RawGGUF.array("x", of: 0, 1 << 27, [0])]
    },
    BadGGUF("PR 27188: 2^63 in every length", saying: "number of") {
      $0.claimedTensors = 1 << 63
      $0.claimedKeys = 1 << 63
    },
  ]
}
