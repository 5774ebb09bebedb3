internal import CKernels

extension ElementType {
  /// Whether no stored value is infinite or no number once it is widened to Float32.
  ///
  /// - Parameter bytes: Whole blocks of this type, unaligned.
  /// - Returns: True also for a type without a way to Float32, whose values have no say.
  public func allFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard isComputable, let blockBytes = try? byteCount(shape: [blockElements]) else { return true }
    // Floats of a piece stay in the first cache.
    let blocks = 4096 / blockElements
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: blocks * blockElements) { room in
      for start in stride(from: 0, to: bytes.count, by: blocks * blockBytes) {
        let end = min(start + blocks * blockBytes, bytes.count)
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        let count = piece.count / blockBytes * blockElements
        let floats = UnsafeMutableBufferPointer(rebasing: room[..<count])
        do { try widen(piece, into: floats) } catch { return true }
        guard moepack_all_finite(floats.baseAddress, count) != 0 else { return false }
      }
      return true
    }
  }
}
