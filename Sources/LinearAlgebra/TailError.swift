/// The least relative error any approximation of rank `rank` can have, sqrt(Σ_{i>r} λ_i / Σ λ_i).
///
/// - Parameters:
///   - eigenvalues: All λ, largest first: eigenvalues of W G Wᵀ for the error of the outputs, or
///     squared singular values for the error of W. Values below zero count as zero.
///   - rank: r; at or beyond the number of eigenvalues the error is 0.
/// - Returns: A number in `0...1`; 0 when all eigenvalues are zero.
package func tailError(eigenvalues: [Double], rank: Int) -> Double {
  // Summed from the small end, so that a short tail is not lost in rounding.
  let tail = eigenvalues.dropFirst(max(0, rank)).reversed().reduce(0) { $0 + max(0, $1) }
  let head = eigenvalues.prefix(max(0, rank)).reversed().reduce(0) { $0 + max(0, $1) }
  return relativeRoot(tail, of: head + tail)
}

/// The least relative error at rank `eigenvalues.count` when only the kept eigenvalues and the sum
/// of all, the trace, are known.
///
/// The tail is a difference here, so errors below 1e-7 are rounding.
package func tailError(eigenvalues: [Double], trace: Double) -> Double {
  relativeRoot(trace - eigenvalues.reversed().reduce(0, +), of: trace)
}
