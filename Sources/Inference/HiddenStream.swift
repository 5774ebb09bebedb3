internal import Glibc
package import LinearAlgebra
internal import Storage
package import SystemPackage

/// The residual stream of all windows, kept in groups of whole windows: in memory, or in a spool
/// file when memory is short.
///
/// Groups depend on the context and the width alone, never on where they are kept, so that results
/// do not either. Several threads may load while none stores.
package final class HiddenStream: @unchecked Sendable {
  /// Tokens per window.
  package let length: Int
  /// Number of windows.
  package let windowCount: Int
  /// Width, H.
  package let width: Int
  /// Windows of each group.
  package let groups: [Range<Int>]

  private var inMemory: [Matrix?]
  private var isSpooled: [Bool]
  private let spool: SpoolFile?

  /// Tokens that go through a layer together: enough for an expert to see hundreds of rows.
  package static let groupTokens = 8192

  /// A stream of zeros.
  ///
  /// - Parameters:
  ///   - windowCount: Number of windows.
  ///   - length: Tokens per window.
  ///   - width: Floats per token, H.
  ///   - spoolFolder: Where to spool; nil keeps all in memory.
  /// - Throws: `StorageError` if the spool file cannot be made.
  package init(windowCount: Int, length: Int, width: Int, spoolFolder: FilePath?) throws {
    self.length = length
    self.windowCount = windowCount
    self.width = width
    let perGroup = max(1, HiddenStream.groupTokens / length)
    groups = stride(from: 0, to: windowCount, by: perGroup).map {
      $0..<min($0 + perGroup, windowCount)
    }
    inMemory = Array(repeating: nil, count: groups.count)
    isSpooled = Array(repeating: false, count: groups.count)
    spool = try spoolFolder.map { try SpoolFile(in: $0) }
  }

  /// Bytes of a whole stream in Float32.
  package static func byteCount(tokens: Int, width: Int) -> Int { tokens * width * 4 }

  /// Tokens in all.
  package var tokenCount: Int { windowCount * length }

  /// The rows of group `number`: [windows * length, H]; zeros if none were stored yet.
  package func load(_ number: Int) throws -> Matrix {
    if let matrix = inMemory[number] { return matrix }
    let matrix = blank(number)
    // The spool file has no bytes yet where nothing was stored.
    if let spool, isSpooled[number] {
      try spool.read(UnsafeMutableRawBufferPointer(matrix.elements), at: offset(of: number))
    }
    return matrix
  }

  /// Zeros of the shape of group `number`.
  package func blank(_ number: Int) -> Matrix {
    Matrix(rows: groups[number].count * length, columns: width)
  }

  /// Puts back the rows of group `number`.
  package func store(_ matrix: Matrix, _ number: Int) throws {
    precondition(matrix.rows == groups[number].count * length && matrix.columns == width)
    if let spool {
      try spool.write(UnsafeRawBufferPointer(matrix.elements), at: offset(of: number))
      isSpooled[number] = true
    } else {
      inMemory[number] = matrix
    }
  }

  /// A copy of the first `windows` windows, in memory.
  package func copy(windows: Int) throws -> HiddenStream {
    let copy = try HiddenStream(
      windowCount: min(windows, windowCount),
      length: length,
      width: width,
      spoolFolder: nil
    )
    for number in copy.groups.indices {
      let rows = copy.groups[number].count * length
      try copy.store(try load(number).copy(ofRows: 0..<rows), number)
    }
    return copy
  }

  private func offset(of number: Int) -> Int { groups[number].lowerBound * length * width * 4 }
}
