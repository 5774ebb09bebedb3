package import LinearAlgebra

/// What the linear maps of a decoder layer read; maps that read the same share a case.
package enum LayerInput: Sendable, Hashable, CaseIterable {
  /// The normalised stream: query, key and value.
  case attention
  /// The heads side by side: the attention's output.
  case attentionOutput
  /// The second norm: the router, the shared expert's gate, up and sigmoid gate, or a dense layer's
  /// gate and up.
  case feedForward
  /// What the shared expert's down projection, or a dense layer's, reads.
  case unroutedDown
  /// The rows sent to one routed expert: its gate and up.
  case expert
  /// What that expert's down projection reads.
  case expertDown
}

/// Sees the inputs of a layer's linear maps as they are computed, in the order of the tokens.
package protocol LayerInputObserver: AnyObject {
  /// Sees rows that all count: [tokens, in]; what it throws ends the pass.
  func observe(_ input: LayerInput, _ x: Matrix) throws

  /// Sees what one routed expert reads.
  ///
  /// - Parameters:
  ///   - input: ``LayerInput/expert`` or ``LayerInput/expertDown``.
  ///   - position: Position of the expert in the router's rows.
  ///   - x: [rows, in].
  ///   - rows: Where each row comes from. One whose slot is past the rule's k is computed to measure
  ///     something and no part of the model's own output.
  /// - Throws: What is to end the pass.
  func observe(_ input: LayerInput, expert position: Int, _ x: Matrix, rows: [RoutedRow]) throws
}
