package import Checkpoint
internal import Tensors

/// Bytes of a plan's result before lossless coding: a pure function of plan and descriptors.
package struct SizeEstimate: Sendable, Equatable {
  /// Bytes of the source's tensors.
  package var source: Int
  /// Bytes of its routed experts.
  package var sourceExperts: Int
  /// Numbers in its routed experts.
  package var sourceExpertWeights: Int
  /// Upper bound of the result's bytes.
  package var output: Int
  /// Upper bound of the bytes of its routed experts.
  package var outputExperts: Int

  /// Sizes of `plan` for `checkpoint`.
  ///
  /// - Parameters:
  ///   - plan: Kept experts, ranks and types.
  ///   - checkpoint: The source.
  ///   - isForecast: Whether ranks are a guess; then a rank unit costs what it would where the most
  ///     important experts stay dense, if that is more.
  /// - Throws: `TensorError` if a size overflows.
  package init(
    _ plan: CompressionPlan,
    for checkpoint: Checkpoint,
    isForecast: Bool = false
  ) throws {
    let summary = ModelSummary(checkpoint)
    source = summary.totalBytes
    sourceExperts = summary.expertBytes ?? 0
    sourceExpertWeights = summary.expertParameters ?? 0
    var experts = 0
    var routers = 0
    for layer in plan.layers {
      let lost = layer.experts - layer.kept.count
      if let router = checkpoint.index(of: TensorPlace(.router, layer: layer.layer)) {
        routers += checkpoint.tensors[router].byteCount / layer.experts * lost
      }
      for (number, expert) in layer.kept.enumerated() {
        for (place, projection) in Projection.allCases.enumerated() {
          guard
            let matrix = checkpoint.expertMatrix(
              layer: layer.layer,
              expert: expert,
              projection: projection
            )
          else { continue }
          let (rank, type) = (layer.ranks[number][place], layer.types[number])
          let source = checkpoint.elementType(of: matrix)
          let bytes = try SizeEstimate.byteCount(matrix, rank: rank, type: type, source: source)
          experts += bytes
          guard isForecast, let rank else { continue }
          let dense = try SizeEstimate.byteCount(matrix, rank: nil, type: type, source: source)
          let share = Double(rank + 1) / breakEvenRank(rows: matrix.rows, columns: matrix.columns)
          experts += max(0, Int((Double(dense) * min(1, share)).rounded(.up)) - bytes)
        }
      }
    }
    outputExperts = experts
    output = summary.totalBytes - sourceExperts - routers + experts
  }

  private static func byteCount(
    _ matrix: ExpertMatrix,
    rank: Int?,
    type: String,
    source: ElementType
  ) throws -> Int {
    guard let rank else { return try source.byteCount(shape: [matrix.rows, matrix.columns]) }
    let type = factorType(type, rows: matrix.rows, columns: matrix.columns)
    return try type.byteCount(shape: [rank, matrix.rows])
      + type.byteCount(shape: [rank, matrix.columns])
  }
}

/// The type a matrix's factors get: blocks need both sides to be whole numbers of them, else they are
/// BF16.
func factorType(_ name: String, rows: Int, columns: Int) -> ElementType {
  let type = ElementType(name: name)
  let fits = rows % type.blockElements == 0 && columns % type.blockElements == 0
  return fits ? type : .bf16
}
