package import Checkpoint

/// Bytes of memory that taking one group of windows through one layer needs, beside the stream
/// itself.
package struct ForwardFootprint: Sendable {
  private let c: ModelConfiguration
  private let length: Int
  private let threads: Int

  /// A footprint for a model, windows of `length` tokens, and so many threads.
  package init(_ configuration: ModelConfiguration, length: Int, threads: Int) {
    c = configuration
    self.length = length
    self.threads = threads
  }

  /// Bytes of one layer's weights in Float32, without its routed experts.
  package var layerWeights: Int {
    let query = c.headCount * c.headDimension
    let keyValue = c.keyValueHeadCount * c.headDimension
    let attention = c.hiddenSize * (2 * query + 2 * keyValue)
    let mixture = c.hiddenSize * (c.expertCount + 3 * (c.sharedExpertWidth ?? 0))
    return 4 * (attention + max(mixture, 3 * c.hiddenSize * c.denseWidth))
  }

  /// Bytes of one expert's weights in Float32.
  package var expertWeights: Int { 4 * 3 * c.hiddenSize * c.expertWidth }

  /// Rows that go through a layer together, of so many tokens in all.
  package func groupTokens(of tokens: Int) -> Int {
    min(tokens, max(1, HiddenStream.groupTokens / length) * length)
  }

  /// Bytes for the group's working set: attention or experts, whichever is larger.
  package func byteCount(tokens: Int) -> Int {
    let rows = groupTokens(of: tokens)
    let query = c.headCount * c.headDimension
    let keyValue = c.keyValueHeadCount * c.headDimension
    let attentionRows = min(rows, max(1, 2048 / length) * length)
    let attention =
      4 * attentionRows * (2 * c.hiddenSize + 2 * query + 2 * keyValue) + threads * 4 * 128 * length
    let shared = max(c.sharedExpertWidth ?? 0, c.denseWidth)
    let unrouted = 4 * min(rows, 2048) * (2 * shared + 2 * c.hiddenSize)
    // In the worst case every token goes to one expert.
    let routed = 4 * rows * (2 * c.hiddenSize + 2 * c.expertWidth) + expertWeights
    let input = 4 * rows * (c.hiddenSize + c.expertCount) + rows * c.topK * 28
    return layerWeights + max(attention, input + max(unrouted, routed))
  }
}
