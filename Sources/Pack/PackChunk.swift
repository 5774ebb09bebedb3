/// One record of the chunks section.
struct PackChunk: Equatable {
  enum Codec: UInt8 {
    case raw = 0
    case zstd = 1
    case planes16 = 2
    case planes32 = 3
    case words16 = 4
    case words32 = 5

    /// Whether chunks of this codec need ``PackLayout/codedWords``.
    var isCodedWords: Bool { self == .words16 || self == .words32 }
  }

  var offset: Int
  var storedBytes: Int
  var decodedBytes: Int
  var codec: Codec
  var hash: UInt64
}
