/// What one layer's experts did during calibration, per expert; sums over X_e, the tokens sent to
/// it.
///
/// Enough for the scores S(b, alpha, beta) = |X_e|^-b * sum of g_e(x)^alpha ‖f_e(x)‖^beta of arXiv
/// 2606.15716 that have a name: frequency (0, 0, 0), SEER (0, 1, 0), EAN (0, 0, 1), REAP (1, 1, 1),
/// MAN (1, 0, 1), MSAN (1, 0, 2). Here f_e is the expert and g_e its routing weight.
package struct ExpertStatistics: Sendable, Equatable {
  /// Number of tokens, |X_e|.
  package var count: [Double]
  /// Sum of routing weights g_e(x).
  package var gateSum: [Double]
  /// Sum of ‖f_e(x)‖.
  package var normSum: [Double]
  /// Sum of ‖f_e(x)‖².
  package var normSquareSum: [Double]
  /// Sum of g_e(x) ‖f_e(x)‖.
  package var gateNormSum: [Double]
  /// Leave-one-out error: ‖Y_S − Y_all‖ / ‖Y_all‖, Y the routed output of the layer on all tokens,
  /// S all experts but e, re-routed.
  ///
  /// It is the importance I_e of MoE-I² (arXiv 2411.01016, "Layer Importance Analysis") with the
  /// layer's output error for the loss, made relative so that layers can be compared.
  package var leaveOneOut: [Double]

  /// Statistics of `experts` experts with every sum zero.
  package init(experts: Int) {
    let zeros = [Double](repeating: 0, count: experts)
    (count, gateSum, normSum, normSquareSum, gateNormSum, leaveOneOut) = (
      zeros, zeros, zeros, zeros, zeros, zeros
    )
  }

  /// The layer's importance in MoE-I²: the sum of its experts', I = sum of I_e.
  package var importance: Double { leaveOneOut.reduce(0, +) }
}
