/// A type of ggml that codes elements of a row together.
///
/// One type is one file, its reader beside its writer, and one row of ``ElementType``'s table.
/// Fields and their order are those of ggml's `ggml-common.h`; all integers are little-endian.
/// Blocks come from files: every pattern of bytes is read without a trap.
protocol BlockType: SendableMetatype {
  /// Elements of a block.
  static var elements: Int { get }
  /// Bytes of a block.
  static var bytes: Int { get }
  /// The scales that decide whether a block is finite.
  static var scales: [ScaleField] { get }
  /// Widens the blocks at `source`, bit for bit as the `gguf` package does.
  static func widen(
    _ source: UnsafeRawPointer,
    into target: UnsafeMutablePointer<Float>,
    blocks: Int
  )
}

/// A block type with a writer.
protocol EncodableBlockType: BlockType {
  /// Writes one row, or without `importance` any number of rows.
  ///
  /// - Parameters:
  ///   - row: As many values as the blocks hold.
  ///   - importance: As many weights, which say how much an error counts in that column.
  ///   - target: Room for the blocks.
  ///   - blocks: Their number.
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  )
}

/// A block type whose blocks are read one by one.
protocol SingleBlockType: BlockType {
  /// Widens one block.
  static func widen(block: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>)
}

extension SingleBlockType {
  @inline(__always)
  static func widen(
    _ source: UnsafeRawPointer,
    into target: UnsafeMutablePointer<Float>,
    blocks: Int
  ) {
    for block in 0..<blocks {
      widen(block: source + block * bytes, into: target + block * elements)
    }
  }
}

/// A block type whose blocks are written one by one.
protocol SingleEncodableBlockType: EncodableBlockType {
  /// Writes one block.
  static func narrow(
    block values: UnsafePointer<Float>,
    _ importance: UnsafePointer<Float>?,
    _ place: UnsafeMutableRawPointer,
    _ room: SearchRoom
  )
}

extension SingleEncodableBlockType {
  static func narrow(
    _ row: UnsafePointer<Float>,
    importance: UnsafePointer<Float>?,
    into target: UnsafeMutableRawPointer,
    blocks: Int
  ) {
    SearchRoom.with { room in
      for block in 0..<blocks {
        narrow(
          block: row + elements * block,
          importance.map { $0 + elements * block },
          target + bytes * block,
          room
        )
      }
    }
  }
}
