internal import CKernels
package import LinearAlgebra
internal import Parallelism

/// A gated feed-forward block: f(x) = down (silu(gate x) * (up x)).
package struct GatedMLP: Sendable {
  /// The gate, [I, H].
  package let gate: LinearOperator
  /// The up projection, [I, H].
  package let up: LinearOperator
  /// The down projection, [H, I].
  package let down: LinearOperator

  /// A block of three maps.
  package init(gate: LinearOperator, up: LinearOperator, down: LinearOperator) {
    self.gate = gate
    self.up = up
    self.down = down
  }

  /// The inputs of `down`: [rows, H] to [rows, I].
  package func inner(_ x: Matrix, threads: Int) throws -> Matrix {
    let g = try gate(x, threads: threads)
    let u = try up(x, threads: threads)
    return GatedMLP.combine(gate: g, up: u, threads: threads)
  }

  /// Combines the two branches: silu(gate) * up [rows, I], in place of `gate`, which is returned.
  package static func combine(gate g: Matrix, up u: Matrix, threads: Int) -> Matrix {
    parallelForEach(count: g.rows, threads: g.elements.count > 1 << 14 ? threads : 1) { row in
      moepack_silu_multiply(g.row(row).baseAddress, u.row(row).baseAddress, g.columns)
    }
    return g
  }

  /// The outputs: [rows, H] to [rows, H]; `inspect` sees the inputs of `down`, [rows, I].
  package func callAsFunction(
    _ x: Matrix,
    threads: Int,
    inspect: ((Matrix) throws -> Void)? = nil
  ) throws -> Matrix {
    let inner = try inner(x, threads: threads)
    try inspect?(inner)
    return try down(inner, threads: threads)
  }
}
