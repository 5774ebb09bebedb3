/// The stored planes of a chunk; Formats/moepack.md, "Chunks section".
struct PlaneDirectory {
  struct Plane {
    var bytes: UnsafeRawBufferPointer
    /// Whether it is a zstd frame.
    var isFrame: Bool
  }

  /// Set in the directory for a zstd frame; the other bits are the length.
  static let frameBit: UInt32 = 1 << 31

  let planes: [Plane]

  /// Finds the planes of a chunk, which the directory must divide exactly.
  init(reading stored: UnsafeRawBufferPointer, planes count: Int) throws(ChunkProblem) {
    guard stored.count >= 4 * count else {
      throw ChunkProblem("planes that do not fit their chunk")
    }
    var planes: [Plane] = []
    var position = 4 * count
    for number in 0..<count {
      let word = stored.littleEndian(UInt32.self, at: 4 * number)
      let length = Int(word & ~PlaneDirectory.frameBit)
      guard length <= stored.count - position else {
        throw ChunkProblem("a plane past the end of its chunk")
      }
      let bytes = UnsafeRawBufferPointer(rebasing: stored[position..<position + length])
      planes.append(Plane(bytes: bytes, isFrame: word & PlaneDirectory.frameBit != 0))
      position += length
    }
    guard position == stored.count else { throw ChunkProblem("bytes behind the last plane") }
    self.planes = planes
  }
}

/// A chunk that planes are put into, one behind the other.
struct PlaneChunk {
  private(set) var stored: [UInt8]
  private var planes = 0

  /// A chunk of `count` planes that together take about `capacity` bytes.
  init(planes count: Int, capacity: Int) {
    stored = []
    stored.reserveCapacity(4 * count + capacity)
    stored.append(contentsOf: repeatElement(0, count: 4 * count))
  }

  /// Appends a plane as it is stored.
  mutating func append(_ bytes: UnsafeRawBufferPointer, isFrame: Bool = false) {
    let word = UInt32(bytes.count) | (isFrame ? PlaneDirectory.frameBit : 0)
    for byte in 0..<4 { stored[4 * planes + byte] = UInt8(truncatingIfNeeded: word >> (8 * byte)) }
    stored.append(contentsOf: bytes)
    planes += 1
  }

  /// Appends a plane as a frame if that gains, else raw.
  mutating func append(_ bytes: UnsafeRawBufferPointer, framedBy compressor: PlaneCompressor) throws
  {
    if let frame = try compressor.frame(of: bytes) {
      append(frame, isFrame: true)
    } else {
      append(bytes)
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The little-endian integer at `offset`, which must lie inside.
  func littleEndian<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
  }
}

extension UnsafeMutableRawBufferPointer {
  /// `count` bytes from `offset`, which must lie inside.
  func part(_ offset: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: self[offset..<offset + count])
  }
}
