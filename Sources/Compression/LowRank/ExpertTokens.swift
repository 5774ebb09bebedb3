package import Checkpoint
internal import Inference
package import LinearAlgebra

/// What one expert sees and makes of it: inputs and outputs of its matrices on the tokens sent to
/// it, in pieces, so that an expert that gets nearly all tokens needs no more memory than others.
///
/// Pieces depend on the tokens alone. A single piece is kept; several are made anew each time they
/// are asked for.
package struct ExpertTokens: Sendable {
  /// Inputs and outputs of one matrix on one piece.
  package struct Piece: Sendable {
    /// [tokens, n].
    package var inputs: Matrix
    /// [tokens, m].
    package var outputs: Matrix
  }

  /// Most tokens in a piece: half as many again as an expert gets where all get the same, in whole
  /// tiles of products.
  ///
  /// - Parameters:
  ///   - tokens: Tokens of the stream.
  ///   - configuration: The model.
  ///   - pruned: Share of the experts that is pruned.
  /// - Returns: A multiple of 512, at least 1024; it depends on shapes and options alone.
  package static func pieceTokens(
    of tokens: Int,
    _ configuration: ModelConfiguration,
    pruned: Double
  ) -> Int {
    let kept = max(1, Double(configuration.expertCount) * (1 - pruned))
    let share = Double(tokens) * Double(configuration.topK) / kept
    return max(1024, (Int(1.5 * min(share, Double(tokens))) + 511) / 512 * 512)
  }

  /// Tokens sent to the expert.
  package let count: Int
  /// Number of pieces, at least one.
  package let pieceCount: Int
  private let weights: [Matrix]
  private let gather: @Sendable (Int) throws -> Matrix
  private let only: [Piece]?

  /// The tokens of an expert.
  ///
  /// - Parameters:
  ///   - weights: Its gate, up and down.
  ///   - count: Tokens sent to it.
  ///   - pieceCount: Number of pieces.
  ///   - gather: The inputs of a piece, [tokens, H], by its number.
  /// - Throws: What `gather` throws, `LinearAlgebraError` if a product's size exceeds 32 bits.
  package init(
    weights: [Matrix],
    count: Int,
    pieceCount: Int,
    gather: @escaping @Sendable (Int) throws -> Matrix
  ) throws {
    self.weights = weights
    self.count = count
    self.pieceCount = pieceCount
    self.gather = gather
    only = pieceCount == 1 ? try ExpertTokens.run(try gather(0), weights) : nil
  }

  /// Inputs and outputs of gate (0), up (1) or down (2) on a piece.
  package func piece(_ number: Int, of matrix: Int) throws -> Piece {
    if let only { return only[matrix] }
    let x = try gather(number)
    if matrix == 2 { return try ExpertTokens.run(x, weights)[2] }
    return Piece(inputs: x, outputs: try multiply(x, transposed: weights[matrix]))
  }

  /// The outputs of gate and up are wanted on their own, so the expert is run piece by piece.
  private static func run(_ x: Matrix, _ weights: [Matrix]) throws -> [Piece] {
    let gate = try multiply(x, transposed: weights[0])
    let up = try multiply(x, transposed: weights[1])
    let inner = GatedMLP.combine(gate: gate.copy(ofRows: 0..<x.rows), up: up, threads: 1)
    let down = try multiply(inner, transposed: weights[2])
    return [
      Piece(inputs: x, outputs: gate), Piece(inputs: x, outputs: up),
      Piece(inputs: inner, outputs: down),
    ]
  }
}
