/// What one layer's experts did during calibration, per expert; sums over X_e, the tokens sent to
/// it.
///
/// Enough for the scores S(b, alpha, beta) of arXiv 2606.15716 with exponents 0, 1 and 2:
/// frequency, SEER, EAN, REAP, MAN, MSAN.
package struct ExpertStatistics: Sendable, Equatable {
  /// |X_e|.
  package var count: [Double]
  /// Sum of routing weights g_e(x).
  package var gateSum: [Double]
  /// Sum of ‖f_e(x)‖.
  package var normSum: [Double]
  /// Sum of ‖f_e(x)‖².
  package var normSquareSum: [Double]
  /// Sum of g_e(x) ‖f_e(x)‖.
  package var gateNormSum: [Double]
  /// Leave-one-out error: ‖Y_S − Y_all‖ / ‖Y_all‖ with S all experts but e, re-routed (MoE-I²,
  /// importance I of section "layer importance", as the relative error of the layer's output).
  package var leaveOneOut: [Double]

  /// Zeros for so many experts.
  package init(experts: Int) {
    let zeros = [Double](repeating: 0, count: experts)
    (count, gateSum, normSum, normSquareSum, gateNormSum, leaveOneOut) = (
      zeros, zeros, zeros, zeros, zeros, zeros
    )
  }

  /// The layer's importance: the sum of its experts'.
  package var importance: Double { leaveOneOut.reduce(0, +) }
}
