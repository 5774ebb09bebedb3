/// A string as a dictionary key by its bytes.
///
/// `String` compares by canonical equivalence: "é" in one code point equals "é" in two. File
/// formats compare bytes, and a vocabulary may well hold both.
public struct UTF8Key: Hashable, Sendable {
  /// The string.
  public let string: String

  /// A key for `string`.
  public init(_ string: String) { self.string = string }

  /// Whether both have the same bytes.
  public static func == (a: UTF8Key, b: UTF8Key) -> Bool {
    a.string.utf8.elementsEqual(b.string.utf8)
  }

  /// Hashes the bytes.
  public func hash(into hasher: inout Hasher) {
    var string = string
    string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
