internal import CKernels

extension ElementType {
  /// Whether no stored value is infinite or no number once it is widened to Float32.
  ///
  /// Of block types the scales say it, as in ``firstNonFinite(in:at:)``.
  ///
  /// - Parameter bytes: Whole blocks of this type, unaligned.
  /// - Returns: True also for a type without a way to Float32, whose values have no say.
  public func allFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if blockElements > 1 { return firstNonFinite(in: bytes) == nil }
    guard isComputable, let unitBytes = try? byteCount(shape: [unitElements]) else { return true }
    // Floats of a piece stay in the first cache.
    let units = 4096 / unitElements
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: units * unitElements) { room in
      for start in stride(from: 0, to: bytes.count, by: units * unitBytes) {
        let end = min(start + units * unitBytes, bytes.count)
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        let count = piece.count / unitBytes * unitElements
        let floats = UnsafeMutableBufferPointer(rebasing: room[..<count])
        do { try widen(piece, into: floats) } catch { return true }
        guard moepack_all_finite(floats.baseAddress, count) != 0 else { return false }
      }
      return true
    }
  }
}
