package import Checkpoint
internal import Inference

extension Evaluator {
  /// Whether a residual stream of `byteCount` bytes goes to disk.
  func spools(_ byteCount: Int) -> Bool { byteCount > memoryBudget }

  /// Bytes that `evaluate` spools to disk.
  package func spooledBytes(
    _ checkpoint: Checkpoint,
    _ stream: TokenStream,
    hasReference: Bool = false
  ) throws -> Int {
    let width = try checkpoint.requireConfiguration().hiddenSize
    let hidden = HiddenStream.byteCount(tokens: stream.ids.count, width: width)
    return spools(hidden) ? (hasReference ? 2 : 1) * hidden : 0
  }

  /// An upper bound of the bytes of memory that `evaluate` takes.
  package func estimatedPeakMemory(
    _ checkpoint: Checkpoint,
    _ stream: TokenStream,
    hasReference: Bool
  ) throws -> Int {
    let c = try checkpoint.requireConfiguration()
    let footprint = ForwardFootprint(c, length: stream.context, threads: threads)
    let hidden = HiddenStream.byteCount(tokens: stream.ids.count, width: c.hiddenSize)
    // A spooled stream has one group in memory at a time.
    let group = HiddenStream.byteCount(
      tokens: footprint.groupTokens(of: stream.ids.count),
      width: c.hiddenSize
    )
    let streams = (hasReference ? 2 : 1) * (spools(hidden) ? group : hidden)
    let head =
      (Evaluator.vocabularyBlock * c.hiddenSize + 2 * Evaluator.tokenBlock
        * Evaluator.vocabularyBlock)
      * 4 * (hasReference ? 2 : 1)
    // An expert's factors, as stored and widened, while their product is added to its weights.
    let adapter =
      checkpoint.adapter.map { 8 * $0.largestRank * (c.hiddenSize + c.expertWidth) } ?? 0
    let tables = stream.ids.count * 120 + checkpoint.tensors.count * 900
    return 60_000_000 + streams + tables + adapter
      + max(footprint.byteCount(tokens: stream.ids.count), head)
  }
}
