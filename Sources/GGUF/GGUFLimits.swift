/// What a GGUF file may have here, reading and writing; Formats/gguf.md gives the reasons.
enum GGUFLimits {
  /// Most pairs of key and value.
  static let keys = 1 << 20
  /// Most tensors.
  static let tensors = 1 << 20
  /// Most bytes of a key.
  static let keyBytes = 65_535
  /// Most bytes of a string, in a value or in an array.
  static let stringBytes = 64 << 20
  /// Most elements of an array.
  static let arrayElements = 1 << 27
  /// Most bytes of a tensor's name: ggml keeps 64 with a NUL behind.
  static let nameBytes = 63
  /// Most axes of a tensor.
  static let axes = 4
  /// Most bytes before the data.
  static let headerBytes = 1 << 30
  /// What `general.alignment` may be, if a power of two.
  static let alignments = 8...1 << 20
  /// The alignment of a file that does not say.
  static let defaultAlignment = 32
  /// Most splits: `split.count` has 16 bits.
  static let splits = 65_535
}

/// `value` rounded up to a multiple of `alignment`, a power of two; both come from checked sizes far
/// below 2^63.
func aligned(_ value: Int, to alignment: Int) -> Int {
  (value + alignment - 1) & ~(alignment - 1)
}
