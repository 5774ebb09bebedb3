/// A GGUF file that breaks one rule, and what its refusal must say.
public struct BadGGUF: Sendable, CustomStringConvertible {
  /// What is wrong with it.
  public let description: String
  /// What the refusal must say besides the file.
  public let words: [String]
  private let make: @Sendable () -> [UInt8]

  /// The file.
  public var bytes: [UInt8] { make() }

  /// A file of its own.
  init(_ name: String, saying words: String..., bytes: @escaping @Sendable () -> [UInt8]) {
    description = name
    self.words = words
    make = bytes
  }

  /// A sound file of two tensors, spoilt.
  init(
    _ name: String,
    saying words: String...,
    spoiling: @escaping @Sendable (inout RawGGUF) -> Void
  ) {
    description = name
    self.words = words
    make = {
      var file = BadGGUF.sound
      spoiling(&file)
      return file.bytes
    }
  }

  /// The file that most of the others are made from.
  public static var sound: RawGGUF { .sound([("a", [5, 3]), ("b", [8])]) }

  /// Every case, those of llama.cpp's `test-gguf` under their names there.
  public static let all = start + metadata + tensors + attacks
}
