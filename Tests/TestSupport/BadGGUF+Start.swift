extension BadGGUF {
  /// The magic, the version, and the numbers of keys and tensors.
  static let start: [BadGGUF] = [
    BadGGUF("EMPTY", saying: "an empty file", "byte 0") { [] },
    BadGGUF("BAD_MAGIC", saying: "'GGUF' expected", "46 47 47 55") {
      $0.magic = Array("FGGU".utf8)
    },
    BadGGUF("a file of before GGUF", saying: "before GGUF", "convert the original") {
      $0.magic = Array("tjgg".utf8)
    },
    BadGGUF("a safetensors file", saying: "is this a GGUF file?") {
      RawSafetensors.file("{}")
    },
    BadGGUF("a Git LFS pointer", saying: "git lfs pull") {
      Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n".utf8)
    },
    BadGGUF("only the magic", saying: "the version", "download complete") { Array("GGUF".utf8) },
    BadGGUF("BAD_VERSION_0", saying: "version 0", "damaged") { $0.version = 0 },
    BadGGUF("BAD_VERSION_1", saying: "version 1", "convert the original model again") {
      $0.version = 1
    },
    BadGGUF("BAD_VERSION_FUTURE", saying: "version 4", "newer moepack") { $0.version = 4 },
    BadGGUF("big-endian", saying: "big-endian", "version 3", "gguf-convert-endian") {
      $0.version = UInt32(3).byteSwapped
    },
    BadGGUF("BAD_N_TENSORS", saying: "number of tensors", "18446744073709551615") {
      $0.claimedTensors = .max
    },
    BadGGUF("more tensors than any file", saying: "1048577", "1048576") {
      $0.claimedTensors = 1 << 20 + 1
    },
    BadGGUF("more tensors than bytes", saying: "number of tensors of 1000", "24000") {
      $0.claimedTensors = 1000
    },
    BadGGUF("BAD_N_KV", saying: "number of keys", "9223372036854775808") {
      $0.claimedKeys = 1 << 63
    },
    BadGGUF("more keys than any file", saying: "1048577") { $0.claimedKeys = 1 << 20 + 1 },
    BadGGUF("more keys than bytes", saying: "number of keys of 1048576") {
      $0.claimedKeys = 1 << 20
    },
    BadGGUF("one key too many", saying: "byte") { $0.claimedKeys = 2 },
    BadGGUF("one tensor too many", saying: "byte") { $0.claimedTensors = 3 },
  ]
}
