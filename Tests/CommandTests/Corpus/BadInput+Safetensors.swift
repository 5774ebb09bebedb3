import TestSupport

extension BadInput {
  /// A tensor of four bytes, whole.
  private static let entry = RawSafetensors.entry("a", "F32", [1], 0..<4)

  /// A model whose weights are `bytes`.
  private static func weights(
    _ name: String,
    saying words: String...,
    bytes: @autoclosure @escaping @Sendable () -> [UInt8]
  ) -> BadInput {
    let words = words + ["model.safetensors"]
    return BadInput(name, words) { place in
      try place.write(bytes(), to: "model.safetensors")
      return place.everything() + place.everything(on: "model/model.safetensors").prefix(3)
    }
  }

  private static func header(_ text: String, _ buffer: Int = 4) -> [UInt8] {
    RawSafetensors.file(text, [UInt8](repeating: 0, count: buffer))
  }

  /// Weights that break a rule of safetensors.
  static let safetensors: [BadInput] = [
    weights("empty weights", bytes: []),
    weights("seven bytes", bytes: [UInt8](repeating: 1, count: 7)),
    weights("a header of 2^64 - 1 bytes", bytes: RawSafetensors.file("{}", claimed: .max)),
    weights("a header of 2^63 bytes", bytes: RawSafetensors.file("{}", claimed: 1 << 63)),
    weights(
      "a header over the limit",
      saying: "100000001",
      bytes: RawSafetensors.file("{}", claimed: 100_000_001)
    ),
    weights("a header past the end", saying: "3", bytes: RawSafetensors.file("{}", claimed: 3)),
    weights("a header that is no JSON", saying: "byte 8", bytes: header("hello")),
    weights("a header that is a list", saying: "byte 8", bytes: header("[\(entry)]")),
    weights(
      "a header that is not UTF-8",
      saying: "UTF-8",
      bytes: RawSafetensors.file(headerBytes: Array("{\"a".utf8) + [0xFF] + Array("\":1}".utf8))
    ),
    weights("a comma too many", saying: "byte", bytes: header("{\(entry),}")),
    weights("a tensor twice", saying: "'a'", bytes: header("{\(entry),\(entry)}")),
    weights(
      "a field twice",
      saying: "a.dtype",
      bytes: header(#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#)
    ),
    weights(
      "deep nesting",
      saying: "4 levels",
      bytes: header("{\"a\":{\"x\":" + String(repeating: "[", count: 100_000))
    ),
    weights(
      "no dtype",
      saying: "'a'",
      "dtype",
      bytes: header(#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#)
    ),
    weights(
      "a negative size",
      saying: "non-negative",
      bytes: header(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#)
    ),
    weights(
      "a size with a fraction",
      saying: "non-negative",
      bytes: header(#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#)
    ),
    weights(
      "an offset past 2^63",
      saying: "non-negative",
      bytes: header(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551616]}}"#)
    ),
    weights(
      "one offset",
      saying: "two data_offsets",
      bytes: header(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}"#)
    ),
    weights(
      "offsets reversed",
      saying: "'a'",
      bytes: header(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#)
    ),
    weights(
      "a shape whose product overflows",
      saying: "'a'",
      "4294967296",
      bytes: header("{" + RawSafetensors.entry("a", "U8", [1 << 32, 1 << 32], 0..<4) + "}")
    ),
    weights(
      "a shape whose bytes overflow",
      saying: "'a'",
      bytes: header("{" + RawSafetensors.entry("a", "F64", [1 << 61], 0..<4) + "}")
    ),
    weights(
      "half a byte",
      saying: "'a'",
      "F4",
      bytes: header("{" + RawSafetensors.entry("a", "F4", [3], 0..<2) + "}", 2)
    ),
    weights(
      "a size other than shape times dtype",
      saying: "'a'",
      bytes: header("{" + RawSafetensors.entry("a", "F32", [2], 0..<4) + "}")
    ),
    weights(
      "a hole",
      saying: "'b'",
      bytes: header("{\(entry)," + RawSafetensors.entry("b", "U8", [1], 5..<6) + "}", 6)
    ),
    weights(
      "an overlap",
      saying: "'b'",
      bytes: header("{\(entry)," + RawSafetensors.entry("b", "U8", [2], 3..<5) + "}", 5)
    ),
    weights("a byte missing", bytes: header("{\(entry)}", 3)),
    weights("a byte too many", bytes: header("{\(entry)}", 5)),
    weights(
      "metadata that is no string",
      saying: "byte",
      bytes: header(#"{"__metadata__":{"a":1}}"#, 0)
    ),
    weights(
      "a NUL in a name",
      saying: "NUL",
      bytes: header(#"{"a\u0000":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#)
    ),
    weights(
      "a Git LFS pointer",
      saying: "git lfs pull",
      bytes: Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n".utf8)
    ),
  ]
}
