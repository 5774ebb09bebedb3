/// The two orders in which the rows of a query or key projection stand.
///
/// Hugging Face rotates the first half of a head against the second; llama.cpp's `llama` rotates
/// neighbours, so its converter puts row j of the second half behind row j of the first
/// (`LlamaModel.permute` in `convert_hf_to_gguf.py`).
public struct RotaryRows: Sendable {
  /// Number of heads.
  public let heads: Int
  /// Rows of a head, an even number.
  public let dimension: Int

  /// Rows of so many heads.
  public init(heads: Int, dimension: Int) {
    self.heads = heads
    self.dimension = dimension
  }

  /// Where in a GGUF file a row of Hugging Face's checkpoint stands.
  public func rowInGGUF(_ row: Int) -> Int {
    let (head, place) = row.quotientAndRemainder(dividingBy: dimension)
    let half = dimension / 2
    return head * dimension + 2 * (place % half) + place / half
  }

  /// For each row of a GGUF file, its place in Hugging Face's checkpoint.
  public var orderInGGUF: [Int] {
    var order = [Int](repeating: 0, count: heads * dimension)
    for row in order.indices { order[rowInGGUF(row)] = row }
    return order
  }

  /// Reads bytes in Hugging Face's order from rows in GGUF's.
  ///
  /// - Parameters:
  ///   - range: Bytes in Hugging Face's order.
  ///   - rowBytes: Bytes of a row.
  ///   - buffer: Room for exactly as many bytes.
  ///   - read: Reads bytes in GGUF's order.
  /// - Throws: What `read` throws.
  func read(
    _ range: Range<Int>,
    rowBytes: Int,
    into buffer: UnsafeMutableRawBufferPointer,
    _ read: (Range<Int>, UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    guard !range.isEmpty else { return }
    let headBytes = dimension * rowBytes
    var room = [UInt8](repeating: 0, count: headBytes)
    for head in range.lowerBound / headBytes...(range.upperBound - 1) / headBytes {
      let start = head * headBytes
      try room.withUnsafeMutableBytes { try read(start..<start + headBytes, $0) }
      for row in 0..<dimension {
        let first = start + row * rowBytes
        let wanted = max(first, range.lowerBound)..<min(first + rowBytes, range.upperBound)
        guard wanted.lowerBound < wanted.upperBound else { continue }
        let source = rowInGGUF(row) * rowBytes + wanted.lowerBound - first
        room.withUnsafeBytes { bytes in
          UnsafeMutableRawBufferPointer(
            rebasing: buffer[
              (wanted.lowerBound - range.lowerBound)..<(wanted.upperBound - range.lowerBound)
            ]
          ).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[source..<source + wanted.count])
          )
        }
      }
    }
  }
}
