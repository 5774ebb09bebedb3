/// A place where text stops being the JSON that was expected.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Byte offset in the text.
  public let offset: Int
  /// What should have stood there.
  public let expected: String

  /// Describes a fault at `offset`.
  public init(offset: Int, expected: String) {
    self.offset = offset
    self.expected = expected
  }

  /// "byte 12: expected …".
  public var description: String { "byte \(offset): expected \(expected)" }
}
